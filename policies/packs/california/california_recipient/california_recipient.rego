# METADATA
# scope: package
# title: "Reads go to public agencies of California alone"
# description: >-
#   A public agency of California shares reads with no body but another public agency of California: none of
#   another state, none of the federal government, no company. What is asked for on behalf of another agency
#   reaches that agency too.
# related_resources:
#   - ref: https://leginfo.legislature.ca.gov/
#     description: "California Civil Code, Title 1.81.23; California Government Code, § 7284.6"
# custom:
#   rules: [CA-2]
#   citation: "California Civil Code § 1798.90.55(b)"
#   verified: true
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The agency that asks, or the one that it asks for, is not a local or state agency of California.
#   remedy: >-
#     None for an agency of another state or of the federal government. If the registry has the wrong kind or
#     state of your agency, ask the records unit to correct it.
#   review: none
package packs.california.california_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.california, [])

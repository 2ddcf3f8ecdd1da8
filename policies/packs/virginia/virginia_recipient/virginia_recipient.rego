# METADATA
# scope: package
# title: "Reads stay with the agencies of Virginia"
# description: >-
#   Virginia's law is reported to keep reads inside the state: no agency of another state and no federal one
#   receives them, and what is asked for on behalf of another agency reaches that agency too. The city's
#   attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://law.lis.virginia.gov/
#     description: "Code of Virginia, § 2.2-5517"
# custom:
#   rules: [VA-2]
#   citation: "Code of Virginia § 2.2-5517, as reported; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The agency that asks, or the one that it asks for, is not a local or state agency of Virginia. As
#     reported, to be confirmed by the city's attorney, no other may receive reads.
#   remedy: >-
#     None for an agency of another state or of the federal government. If the registry has the wrong kind or
#     state of your agency, ask the records unit to correct it.
#   review: none
package packs.virginia.virginia_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.virginia, [])

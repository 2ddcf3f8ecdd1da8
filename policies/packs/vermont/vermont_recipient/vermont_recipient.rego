# METADATA
# scope: package
# title: "Requests come through the state's repository"
# description: >-
#   Agencies of Vermont are thought to ask through the repository of the state, which names the agency for
#   which it asks. Who the repository is, is for the city to list. The city's attorney must confirm this
#   before it is relied on.
# related_resources:
#   - ref: https://legislature.vermont.gov/statutes/
#     description: "23 V.S.A. §§ 1607 and 1608"
# custom:
#   rules: [VT-2]
#   citation: "23 V.S.A. § 1607, from memory; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request does not come from the state's repository for an agency of Vermont. It is thought, to be
#     confirmed by the city's attorney, that all requests must.
#   remedy: >-
#     Ask the state's repository to send the request, with your agency and the person who asks in
#     on_behalf_of.
#   review: none
package packs.vermont.vermont_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.vermont, data.city.named_recipients.vermont)

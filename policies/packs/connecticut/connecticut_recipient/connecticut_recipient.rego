# METADATA
# scope: package
# title: "Reads stay in Connecticut and three states that agree"
# description: >-
#   Connecticut is reported to let reads leave the state for Massachusetts, New York and Rhode Island only,
#   and only to agencies that agree to its terms. The city's attorney must confirm this before it is relied
#   on.
# related_resources:
#   - ref: https://www.cga.ct.gov/
#     description: "Connecticut General Assembly, acts of 2026"
# custom:
#   rules: [CT-2]
#   citation: "Connecticut, act of 2026, as reported; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The agency that asks, or the one that it asks for, is neither a local or state agency of Connecticut nor
#     one of Massachusetts, New York or Rhode Island that has agreed in writing. As reported, to be confirmed
#     by the city's attorney, no other may receive reads.
#   remedy: >-
#     An agency of one of those three states sends the records unit its written declaration. For every other
#     there is no remedy.
#   review: none
package packs.connecticut.connecticut_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.connecticut, [])

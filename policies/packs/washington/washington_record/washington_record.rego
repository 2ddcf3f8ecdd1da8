# METADATA
# scope: package
# title: "The record of the search is whole"
# description: >-
#   Each search is thought to need on record its date and time, the plate or the other elements, the specific
#   purpose with the type of offense, the number of the case or call, the person, and the places of the
#   cameras, which the release itself is logged with. The city's attorney must confirm this before it is
#   relied on.
# related_resources:
#   - ref: https://app.leg.wa.gov/
#     description: "Washington SB 6002"
# custom:
#   rules: [WA-3]
#   citation: "Washington SB 6002 (2026), from memory and from a companion bill; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request lacks what the record of a search is thought to need (to be confirmed by the city's
#     attorney): the plate or place, the person with name and badge, category and narrative, the offense code,
#     or a case or call number.
#   remedy: >-
#     Send query, requester.name, requester.badge, purpose.category, purpose.narrative, purpose.offense and
#     purpose.case_number, each with a value that says something.
#   review: none
package packs.washington.washington_record

import data.facts.record.every_field_of

satisfied if every_field_of(data.pack.washington)

# METADATA
# scope: package
# title: "The record of the search is whole"
# description: >-
#   Each search is thought to need on record its factual basis, a case number and the person, for a full audit
#   trail. The city's attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://www.revisor.mn.gov/statutes/cite/13.824
#     description: "Minnesota Statutes, § 13.824"
# custom:
#   rules: [MN-3]
#   citation: "Minnesota Statutes § 13.824, from memory; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request lacks what the record of a search is thought to need (to be confirmed by the city's
#     attorney): the plate or place, the person with name and badge, a narrative that says what happened, or a
#     case number.
#   remedy: >-
#     Send query, requester.name, requester.badge, purpose.narrative and purpose.case_number, each with a
#     value that says something.
#   review: none
package packs.minnesota.minnesota_record

import data.facts.record.every_field_of

satisfied if every_field_of(data.pack.minnesota)

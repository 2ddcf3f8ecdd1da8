# METADATA
# scope: package
# title: "The record of the search is whole"
# description: >-
#   Each search is on record with its date and time, the plate or the other elements of the query, the person
#   and the organisation that asked, and the purpose.
# related_resources:
#   - ref: https://leginfo.legislature.ca.gov/
#     description: "California Civil Code, Title 1.81.23; California Government Code, § 7284.6"
# custom:
#   rules: [CA-3]
#   citation: "California Civil Code § 1798.90.52"
#   verified: true
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request lacks what the record of a search must hold: the plate or place, the person with name and
#     badge, the agency, the category or the narrative.
#   remedy: >-
#     Send query, requester.name, requester.badge, purpose.category and purpose.narrative, each with a value
#     that says something.
#   review: none
package packs.california.california_record

import data.facts.record.every_field_of

satisfied if every_field_of(data.pack.california)

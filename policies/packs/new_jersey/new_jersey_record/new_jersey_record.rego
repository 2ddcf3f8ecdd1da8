# METADATA
# scope: package
# title: "The record of the search is whole"
# description: >-
#   Each search is thought to need on record the person who made it and the case, so that accesses can be
#   reviewed and surveyed. The city's attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://www.nj.gov/oag/dcj/
#     description: "Attorney General Directive 2022-12"
# custom:
#   rules: [NJ-3]
#   citation: "New Jersey Attorney General Directive 2022-12, from memory; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request lacks what the record of a search is thought to need (to be confirmed by the city's
#     attorney): the person with name and badge, or a case number.
#   remedy: >-
#     Send requester.name, requester.badge and purpose.case_number, each with a value that says something.
#   review: none
package packs.new_jersey.new_jersey_record

import data.facts.record.every_field_of

satisfied if every_field_of(data.pack.new_jersey)

# METADATA
# scope: package
# title: "The record of the search is whole"
# description: >-
#   Each request is thought to need on record who made it, who approved it, and the reason. Whoever asked
#   cannot be the one who approves. The city's attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://legislature.vermont.gov/statutes/
#     description: "23 V.S.A. §§ 1607 and 1608"
# custom:
#   rules: [VT-3]
#   citation: "23 V.S.A. § 1607, from memory; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The request lacks what its record is thought to need (to be confirmed by the city's attorney): the
#     officer who sends it, another person who asked, category or narrative.
#   remedy: >-
#     Send requester.name, requester.badge, on_behalf_of.person, purpose.category and purpose.narrative, each
#     with a value that says something.
#   review: none
package packs.vermont.vermont_record

import data.facts.record.every_field_of

satisfied if every_field_of(data.pack.vermont)

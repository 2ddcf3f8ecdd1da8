# METADATA
# scope: package
# title: "A basis that is particular to this search"
# description: >-
#   New Jersey is reported to allow a search only for an official purpose with a basis of its own. The name of
#   a class of crimes is no such basis: the words must say what happened. The city's attorney must confirm
#   this before it is relied on.
# related_resources:
#   - ref: https://www.nj.gov/oag/dcj/
#     description: "Attorney General Directive 2022-12"
# custom:
#   rules: [NJ-1]
#   citation: "New Jersey Attorney General Directive 2022-12, as reported; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The narrative does not say what happened; the name of a class of crimes is not enough. As reported, to
#     be confirmed by the city's attorney, each search needs a basis of its own.
#   remedy: >-
#     Say in purpose.narrative what happened, in this case.
#   review: none
package packs.new_jersey.new_jersey_purpose

satisfied if {
	is_string(input.purpose.narrative)
	input.words.reviewed == true
	input.words.narrative.specific == true
}

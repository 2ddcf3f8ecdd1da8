# METADATA
# scope: package
# title: "The words say what happened"
# description: >-
#   The narrative says, in words, what happened; a class of crime by its name (such as Property Crime)
#   is enough beside an offense code. Words that fit any search, such as investigation, are no reason.
#   Words that cast doubt on the reason (no charges, pattern of life, a detainer of an unsaid kind) are
#   looked at by staff, as is a text that could not be read.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-7]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The words do not say what happened, cast doubt on it, or cannot be read.
#   remedy: >-
#     Send purpose.narrative with what happened, to whom or to what, and where (for example: Stolen
#     Honda Civic, taken from Ridge Ave overnight). A class of crime by its name is enough beside an
#     offense code.
#   review: staff
package sharing.stated_reason

import data.facts.words.name_a_crime

satisfied if {
	is_string(input.purpose.narrative)
	input.words.reviewed == true
	input.words.narrative.vague_only == false
	is_number(input.words.narrative.letters)
	input.words.narrative.letters >= data.city.narrative_fewest_letters
	is_boolean(input.words.narrative.offense_class)
	name_a_crime
	no_doubt
}

satisfied if input.ruling.stated_reason in {"staff", "counsel"}

no_doubt if {
	is_array(input.words.classes)
	doubts := data.city.doubts
	count(doubts) > 0
	count([doubt | some doubt in input.words.classes; doubt in doubts]) == 0
}

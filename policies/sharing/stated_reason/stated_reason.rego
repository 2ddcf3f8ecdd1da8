# METADATA
# scope: package
# title: "The words say what happened"
# description: >-
#   The narrative says, in words, what happened; a class of crime by its name (such as Property Crime)
#   is enough beside an offense code. Words that fit any search, such as investigation, are no reason.
#   The offense code is one that exists, and category, offense and words agree. Words that cast doubt
#   on the reason (no charges, pattern of life, a detainer of an unsaid kind) are looked at by staff,
#   as is a text that could not be read.
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
#     The words do not say what happened, cannot be read, or do not agree with the category or the
#     offense code; or the offense code is missing or unknown.
#   remedy: >-
#     Send purpose.narrative with what happened, to whom or to what, and where (for example: Stolen
#     Honda Civic, taken from Ridge Ave overnight), and purpose.offense with the NIBRS code that fits
#     it (90Z for all other offenses).
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
	is_array(input.words.narrative.means)
	name_a_crime
	agrees_with_words
	agrees_with_category
	no_doubt
}

satisfied if input.ruling.stated_reason in {"staff", "counsel"}

no_doubt if {
	is_array(input.words.classes)
	doubts := data.city.doubts
	count(doubts) > 0
	count([doubt | some doubt in input.words.classes; doubt in doubts]) == 0
}

# What words the code may be described by. Undefined for a code that does not exist.
described_by := data.offenses.codes[input.purpose.offense].agrees_with

# Code 90Z agrees with any words; words that give only a class of crime contradict no code. A person may
# be missing without a crime.
agrees_with_words if {
	"any" in described_by
} else if {
	some meaning in input.words.narrative.means
	meaning in described_by
} else if {
	is_array(described_by)
	count(input.words.narrative.means) == 0
} else if {
	is_null(input.purpose.offense)
	input.purpose.category in data.city.purposes_without_offense
}

# A category that asks less of a request than others must be borne out by the words.
agrees_with_category if {
	input.purpose.category in data.city.purposes_taken_at_their_word
} else if {
	borne_out_by := data.city.purposes_to_be_borne_out[input.purpose.category]
	some meaning in input.words.narrative.means
	meaning in borne_out_by
}

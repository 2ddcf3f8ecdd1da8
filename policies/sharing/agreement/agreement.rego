# METADATA
# scope: package
# title: "Category, offense and words describe the same thing"
# description: >-
#   The offense code is one that exists, and agrees with what the words say happened; the category agrees
#   with the code; and a category that opens more than others is borne out by the words. Code 90Z, all other
#   offenses, agrees with any words. Words that say nothing contradict nothing: that they say nothing is for
#   the provision on the stated reason.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
#   - ref: https://le.fbi.gov/informational-tools/ucr/ucr-technical-specifications-user-manuals-and-data-tools
#     description: "FBI, National Incident-Based Reporting System User Manual"
# custom:
#   rules: [EV-7]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The category, the offense code and the words do not describe the same thing, or the offense code is
#     missing or unknown.
#   remedy: >-
#     Send in purpose.offense the NIBRS code of what purpose.narrative says happened (90Z for all other
#     offenses), and the purpose.category that fits both (criminal_investigation fits every offense).
#   review: staff
package sharing.agreement

satisfied if {
	is_array(input.words.narrative.means)
	words_agree_with_offense
	category_agrees_with_offense_and_words
	added_words_agree
}

satisfied if input.ruling.agreement in {"staff", "counsel"}

# What the words may say beside the code. Undefined for a code that does not exist.
described_by := data.offenses.codes[input.purpose.offense].agrees_with

words_agree_with_offense if {
	"any" in described_by
} else if {
	some meaning in input.words.narrative.means
	meaning in described_by
} else if {
	is_array(described_by)
	input.words.narrative.specific == false
	no_class_of_crime_says_otherwise
} else if {
	nobody_need_have_done_anything
}

category_agrees_with_offense_and_words if {
	input.purpose.category in data.city.purposes_taken_at_their_word
} else if {
	offense_agrees_with_category
	words_agree_with_category
}

offense_agrees_with_category if {
	input.purpose.offense in data.city.purposes_offenses[input.purpose.category]
} else if {
	nobody_need_have_done_anything
}

words_agree_with_category if {
	is_array(input.words.narrative.means)
	some meaning in input.words.narrative.means
	meaning in data.city.purposes_to_be_borne_out[input.purpose.category]
} else if {
	is_array(data.city.purposes_to_be_borne_out[input.purpose.category])
	input.words.narrative.specific == false
	input.words.narrative.offense_class == false
}

# What appeals add supports nothing, and must fit: a homicide that comes up later is no stolen car's.
added_words_agree if {
	input.words.narrative.added_means == []
} else if {
	is_array(input.words.narrative.added_means)
	some meaning in input.words.narrative.added_means
	fits_offense(meaning)
	some other in input.words.narrative.added_means
	fits_category(other)
}

fits_offense(meaning) if meaning in described_by

fits_offense(_) if "any" in described_by

fits_offense(_) if nobody_need_have_done_anything

fits_category(_) if input.purpose.category in data.city.purposes_taken_at_their_word

fits_category(meaning) if meaning in data.city.purposes_to_be_borne_out[input.purpose.category]

# A person may be missing without a crime.
nobody_need_have_done_anything if {
	is_null(input.purpose.offense)
	input.purpose.category in data.city.purposes_without_offense
}

# Property Crime is no murder.
no_class_of_crime_says_otherwise if {
	input.words.narrative.offense_class == false
} else if {
	some match in input.words.matches
	match.class == "crime_class"
	some word, fitting in data.offenses.classes
	contains(match.term, word)
	some said in fitting
	said in [input.purpose.offense, data.offenses.codes[input.purpose.offense].against]
}

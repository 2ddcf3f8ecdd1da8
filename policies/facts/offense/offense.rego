# METADATA
# scope: package
# title: What the offense code says
# description: >-
#   Offense codes are NIBRS codes, listed with the families of crime they belong to in data.offenses.
#   Code 90Z, all other offenses, agrees with any words.
package facts.offense

# What words the code may be described by. Undefined for a code that does not exist.
described_by := data.offenses[input.purpose.offense].agrees_with

# Code 90Z agrees with any words; words that give only a class of crime contradict no code. A person may
# be missing without a crime.
agrees_with_words if {
	some meaning in input.words.narrative.means
	meaning in described_by
} else if {
	"any" in described_by
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
	some meaning in input.words.narrative.means
	meaning in data.city.purposes_to_be_borne_out[input.purpose.category]
}

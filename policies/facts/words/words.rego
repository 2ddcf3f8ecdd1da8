# METADATA
# scope: package
# title: What the typed words say
# description: >-
#   The screen reports classes of words; a prohibition may rely on their absence only after
#   words.read_whole has established that the screen looked, at everything, and answered in the right
#   shape.
package facts.words

# Both are undefined unless the screen looked, at everything, and answered in the right shape.
name_no_immigration_body if {
	input.words.reviewed == true
	is_array(input.words.classes)
	not "immigration_agency" in input.words.classes
	not "immigration_component" in input.words.classes
}

# The registered name of a party (agency.name, end_requester.name) is itself that of such a body.
is_name_of_an_immigration_body(field) if {
	is_array(input.words.matches)
	some match in input.words.matches
	match.field == field
	match.class in {"immigration_agency", "immigration_component"}
}

# A class of crime is enough, but only beside an offense code.
name_a_crime if {
	input.words.narrative.specific == true
} else if {
	input.words.narrative.offense_class == true
	is_array(data.offenses.codes[input.purpose.offense].agrees_with)
}

# METADATA
# scope: package
# title: What the typed words say
# description: >-
#   The screen reports classes of words; a prohibition may rely on their absence only after
#   words.read_whole has established that the screen looked, at everything, and answered in the right
#   shape.
package facts.words

# The screen looked at every field, at all of it, and answered in the right shape.
read_whole if {
	input.words.reviewed == true
	is_string(input.purpose.narrative)
	is_array(input.words.classes)
	is_array(input.words.narrative.means)
	is_boolean(input.words.narrative.specific)
	is_boolean(input.words.narrative.offense_class)
}

name_no_immigration_body if {
	read_whole
	not "immigration_agency" in input.words.classes
	not "immigration_component" in input.words.classes
}

# A class of crime is enough, but only beside an offense code.
name_a_crime if {
	input.words.narrative.specific == true
} else if {
	input.words.narrative.offense_class == true
	is_array(data.offenses[input.purpose.offense].agrees_with)
}

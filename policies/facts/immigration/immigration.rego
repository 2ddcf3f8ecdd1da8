# METADATA
# scope: package
# title: Whether a body that enforces immigration law takes part
# description: >-
#   It takes part if it asks, is asked for, or is named in the words. Its registered name gives it away, or
#   legal lists it by its registry id.
package facts.immigration

import data.facts.words.name_no_immigration_body

# Undefined unless the screen looked at every word, and the parties are known by their ids.
no_body_takes_part if {
	name_no_immigration_body
	not_listed(input.agency.id)
	not_listed_or_null(input.end_requester)
}

not_listed(id) if {
	is_string(id)
	bodies := data.city.immigration_bodies
	is_array(bodies)
	not id in bodies
}

not_listed_or_null(agency) if {
	is_null(agency)
} else if {
	not_listed(agency.id)
}

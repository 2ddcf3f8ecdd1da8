# METADATA
# scope: package
# title: What the log of a search would hold
# description: >-
#   The law of some packs says what must be on record of each search, under the names that pack.json uses. A
#   field is there if the request gives it a value that says something; what is missing denies, because a log
#   cannot be completed afterwards.
package facts.record

import data.facts.process.filled
import data.facts.words.name_a_crime

every_field_of(pack) if {
	count(pack.required_log_fields) > 0
	every field in pack.required_log_fields {
		field in holds
	}
}

holds contains "at" if filled(input.clock.date)

holds contains "target" if {
	input.query.kind == "plate"
	is_number(input.query.literal_characters)
	input.query.literal_characters > 0
}

holds contains "target" if {
	input.query.kind == "place"
	is_number(input.query.cameras)
	input.query.cameras > 0
}

# Where the reads come from: the release is logged with each of its cameras, whether they were named or not.
holds contains "cameras" if is_number(input.query.cameras)

holds contains "user" if {
	filled(input.requester.name)
	filled(input.requester.badge)
}

holds contains "organisation" if {
	input.agency.known == true
	filled(input.agency.id)
}

holds contains "purpose" if {
	filled(input.purpose.category)
	filled(input.purpose.narrative)
}

holds contains "factual_basis" if {
	filled(input.purpose.narrative)
	name_a_crime
}

holds contains "offense" if filled(input.purpose.offense)

# Where no crime need be named, the category is the kind of case.
holds contains "offense" if {
	is_null(input.purpose.offense)
	input.purpose.category in data.city.purposes_without_offense
}

holds contains "case_number" if {
	filled(input.purpose.case_number)
	input.words.case_number.plausible == true
}

# Somebody asked, and somebody else sent the request on.
holds contains "approval" if {
	filled(input.on_behalf_of.person)
	filled(input.requester.name)
	trim_space(input.on_behalf_of.person) != trim_space(input.requester.name)
}

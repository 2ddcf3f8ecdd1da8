# METADATA
# scope: package
# title: Which fields of a read may leave
# description: >-
#   The city's list, less what is withheld from a kind of agency.
package redaction.fields

# What may be shown to the agency; where it asks for another, what may be shown to both.
allowed := data.city.redaction.fields[input.agency.kind] if {
	is_null(input.end_requester)
} else := [field |
	some field in data.city.redaction.fields[input.agency.kind]
	field in data.city.redaction.fields[input.end_requester.kind]
] if {
	is_object(input.end_requester)
}

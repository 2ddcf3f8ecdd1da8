# METADATA
# scope: package
# title: What a release owes
# description: >-
#   The obligations of a permit: which fields of a read may leave, how many reads, how far back, how exact a
#   place may be, whether plates that were not asked for are masked, and under which terms. Undefined unless
#   every one of them is defined, and then nothing is permitted.
package redaction.release

owed := {
	"fields": fields,
	"max_records": min([input.query.limit, data.city.limits[input.query.kind].records]),
	"retention_days": retention_days,
	"coordinate_decimals": redaction.coordinate_decimals[input.query.kind],
	"mask_other_plates": redaction.mask_other_plates[input.query.kind],
	"terms": redaction.terms,
} if {
	redaction := data.city.redaction
}

# What may be shown to the agency; where it asks for another, what may be shown to both.
fields := data.city.redaction.fields[input.agency.kind] if {
	is_null(input.end_requester)
} else := [field |
	some field in data.city.redaction.fields[input.agency.kind]
	field in data.city.redaction.fields[input.end_requester.kind]
] if {
	is_object(input.end_requester)
}

# The shortest time counts: the city's own, or that of the law of one of its packs.
retention_days := min({data.city.reads_kept_days} | {days |
	some pack in data.city.packs
	days := data.pack[pack].retention_days
	is_number(days)
})

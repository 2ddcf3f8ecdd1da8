# METADATA
# scope: package
# title: How many reads may leave
# description: >-
#   No more than were asked for, and no more than the kind of query allows.
package redaction.reads

most := min([input.query.limit, cap]) if {
	cap := data.city.limits[input.query.kind].records
	is_number(cap)
	is_number(input.query.limit)
}

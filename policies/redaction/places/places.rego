# METADATA
# scope: package
# title: How exact a place may be
# description: >-
#   The decimals to which coordinates are rounded, by kind of query.
package redaction.places

decimals := number if {
	number := data.city.redaction.coordinate_decimals[input.query.kind]
	is_number(number)
}

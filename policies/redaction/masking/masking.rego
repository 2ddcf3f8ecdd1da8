# METADATA
# scope: package
# title: Whether plates that were not asked for are masked
# description: >-
#   By kind of query.
package redaction.masking

other_plates := data.city.redaction.mask_other_plates[input.query.kind]

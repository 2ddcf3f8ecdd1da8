# METADATA
# scope: package
# title: How exact a place may be
# description: >-
#   Decimals of a degree: 4 are about 11 metres, 3 about 111. By kind of query.
package redaction.coordinates

decimals := data.city.redaction.coordinate_decimals[input.query.kind]

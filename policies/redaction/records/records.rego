# METADATA
# scope: package
# title: How many reads may leave
# description: >-
#   Never more than was asked for, never more than the city allows for the kind of query.
package redaction.records

most := min([input.query.limit, data.city.limits[input.query.kind].records])

# METADATA
# scope: package
# title: How far back a read may lie
# description: >-
#   The days that reads are kept: the city's own, or those of the law of one of its packs, whichever are
#   fewer. What a store still holds beyond them is not released.
package redaction.retention

days := min({data.city.reads_kept_days} | kept_by_law) if {
	is_number(data.city.reads_kept_days)
}

kept_by_law := {days |
	some pack in data.city.packs
	days := data.pack[pack].retention_days
	is_number(days)
}

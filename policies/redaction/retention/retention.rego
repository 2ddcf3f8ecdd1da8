# METADATA
# scope: package
# title: How far back reads may be shared
# description: >-
#   Older reads are not shared even where the store still has them.
package redaction.retention

days := data.city.reads_kept_days

# METADATA
# scope: package
# title: What a release owes
# description: >-
#   The obligations of a permit, each from its own folder. Undefined unless every one of them is defined, and
#   then nothing is permitted.
package redaction.release

import data.redaction.fields.shown
import data.redaction.places.decimals
import data.redaction.plates.masked
import data.redaction.reads.most
import data.redaction.retention.days
import data.redaction.terms.text

owed := {
	"fields": shown,
	"max_records": most,
	"retention_days": days,
	"coordinate_decimals": decimals,
	"mask_other_plates": masked,
	"terms": text,
}

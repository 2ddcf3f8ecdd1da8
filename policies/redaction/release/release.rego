# METADATA
# scope: package
# title: What a release owes
# description: >-
#   The obligations of a permit, each from its own folder. Undefined unless every one of them is defined, and
#   then nothing is permitted.
package redaction.release

import data.redaction.fields
import data.redaction.places
import data.redaction.plates
import data.redaction.reads
import data.redaction.retention
import data.redaction.terms

owed := {
	"fields": fields.shown,
	"max_records": reads.most,
	"retention_days": retention.days,
	"coordinate_decimals": places.decimals,
	"mask_other_plates": plates.masked,
	"terms": terms.text,
}

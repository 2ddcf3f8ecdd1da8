# METADATA
# scope: package
# title: Fields that may leave
# description: >-
#   The fields of a read that may be shown: all that there are, without those that the kind of query, the
#   purpose or the kind of agency withholds, and where the agency asks for another, that one's kind too.
#   Where plates are masked, the fields that show one are withheld. Undefined for a purpose or kind of which
#   the city says nothing, and then nothing is permitted.
package redaction.fields

import data.redaction.plates.masked

shown := object.keys(allowed) if {
	masked == false
} else := object.keys(object.remove(allowed, data.city.redaction.plates_shown_by)) if {
	masked == true
}

allowed := shown_to(input.agency) if {
	is_null(input.end_requester)
} else := object.remove(shown_to(input.agency), withheld) if {
	is_object(input.end_requester)
	withheld := data.city.redaction.withheld_by_agency[input.end_requester.kind]
}

shown_to(agency) := object.remove(object.remove(object.remove(fields, by_query), by_purpose), by_agency) if {
	fields := data.city.redaction.fields
	by_query := data.city.redaction.withheld_by_query[input.query.kind]
	by_purpose := data.city.redaction.withheld_by_purpose[input.purpose.category]
	by_agency := data.city.redaction.withheld_by_agency[agency.kind]
}

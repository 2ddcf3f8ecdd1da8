# METADATA
# scope: package
# title: Plates that were not asked for
# description: >-
#   Whether the plates of a read are masked. In a place query every plate is one that nobody asked for: it
#   belongs to whoever drove past. They are shown only where the purpose needs them: always, never, or for
#   an offense of violence that is named by its own code. Undefined for any other word in the table.
package redaction.plates

needed := data.city.redaction.plates_needed[input.query.kind][input.purpose.category]

masked := false if {
	needed == "always"
} else := false if {
	needed == "violence"
	input.purpose.offense in data.city.redaction.violent_offenses
} else if {
	needed in {"violence", "never"}
}

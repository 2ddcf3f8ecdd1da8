package main

import data.redaction.fields

provisions := {"standing", "purpose"}

proved contains "standing" if data.sharing.standing.satisfied == true

proved contains "purpose" if data.sharing.purpose.satisfied == true

unmet := provisions - proved

default permit := false

permit if {
	count(provisions) == 2
	count(unmet) == 0
}

default obligations := {}

obligations := {"fields": fields.allowed, "max_records": data.city.max_records} if permit

decision := {
	"permit": permit,
	"proved": proved,
	"unmet": unmet,
	"obligations": obligations,
}

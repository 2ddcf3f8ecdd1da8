package main

import data.redaction.fields

provisions := {"standing", "purpose"} | {code |
	some pack in data.city.packs
	some code in data.pack[pack].provisions
}

proved contains "standing" if data.sharing.standing.satisfied == true

proved contains "purpose" if data.sharing.purpose.satisfied == true

proved contains "south_badge" if {
	"south" in data.city.packs
	data.packs.south.south_badge.satisfied == true
}

unmet := provisions - proved

default permit := false

permit if {
	count(provisions) >= 2
	every_pack_is_known
	count(unmet) == 0
}

every_pack_is_known if {
	every pack in data.city.packs {
		is_array(data.pack[pack].provisions)
	}
}

default obligations := {}

obligations := {"fields": fields.allowed, "max_records": data.city.max_records} if permit

decision := {
	"permit": permit,
	"proved": proved,
	"unmet": unmet,
	"obligations": obligations,
}

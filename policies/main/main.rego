# METADATA
# scope: package
# title: The decision
# description: >-
#   A request is permitted only if every provision in force proved itself satisfied and every obligation is
#   known. What is undefined, mistyped or missing is not proved, and what is not proved is denied. In force
#   are the provisions that bind every city, and those that its packs add to them.
package main

import data.redaction.release.owed

# One line for each provision, written out: a provision whose file is missing is simply never proved.
proved contains "civil_immigration" if data.sharing.civil_immigration.satisfied == true

proved contains "health_care" if data.sharing.health_care.satisfied == true

proved contains "out_of_state_declaration" if data.sharing.out_of_state_declaration.satisfied == true

proved contains "federal_component" if data.sharing.federal_component.satisfied == true

proved contains "bulk_access" if data.sharing.bulk_access.satisfied == true

proved contains "immigration_crime" if data.sharing.immigration_crime.satisfied == true

proved contains "sharing_stopped" if data.sharing.sharing_stopped.satisfied == true

proved contains "agency_standing" if data.sharing.agency_standing.satisfied == true

proved contains "affirmation" if data.sharing.affirmation.satisfied == true

proved contains "end_requester" if data.sharing.end_requester.satisfied == true

proved contains "attestation" if data.sharing.attestation.satisfied == true

proved contains "health_data" if data.sharing.health_data.satisfied == true

proved contains "restrictive_law" if data.sharing.restrictive_law.satisfied == true

proved contains "city_purpose" if data.sharing.city_purpose.satisfied == true

proved contains "stated_reason" if data.sharing.stated_reason.satisfied == true

proved contains "agreement" if data.sharing.agreement.satisfied == true

proved contains "case_number" if data.sharing.case_number.satisfied == true

proved contains "repeated_search" if data.sharing.repeated_search.satisfied == true

proved contains "rephrased_request" if data.sharing.rephrased_request.satisfied == true

proved contains "target_sweep" if data.sharing.target_sweep.satisfied == true

proved contains "sensitive_place" if data.sharing.sensitive_place.satisfied == true

proved contains "query_limits" if data.sharing.query_limits.satisfied == true

proved contains "officer_standing" if data.sharing.officer_standing.satisfied == true

proved contains "officer_proof" if data.sharing.officer_proof.satisfied == true

proved contains "officer_training" if data.sharing.officer_training.satisfied == true

proved contains "officer_presence" if data.sharing.officer_presence.satisfied == true

# What a pack adds is proved only where the city has selected the pack; elsewhere it is not looked at.
proved contains "california_recipient" if {
	"california" in data.city.packs
	data.packs.california.california_recipient.satisfied == true
}

proved contains "california_record" if {
	"california" in data.city.packs
	data.packs.california.california_record.satisfied == true
}

proved contains "virginia_purpose" if {
	"virginia" in data.city.packs
	data.packs.virginia.virginia_purpose.satisfied == true
}

proved contains "virginia_recipient" if {
	"virginia" in data.city.packs
	data.packs.virginia.virginia_recipient.satisfied == true
}

proved contains "virginia_record" if {
	"virginia" in data.city.packs
	data.packs.virginia.virginia_record.satisfied == true
}

proved contains "washington_purpose" if {
	"washington" in data.city.packs
	data.packs.washington.washington_purpose.satisfied == true
}

proved contains "washington_recipient" if {
	"washington" in data.city.packs
	data.packs.washington.washington_recipient.satisfied == true
}

proved contains "washington_record" if {
	"washington" in data.city.packs
	data.packs.washington.washington_record.satisfied == true
}

proved contains "new_jersey_purpose" if {
	"new_jersey" in data.city.packs
	data.packs.new_jersey.new_jersey_purpose.satisfied == true
}

proved contains "new_jersey_record" if {
	"new_jersey" in data.city.packs
	data.packs.new_jersey.new_jersey_record.satisfied == true
}

proved contains "new_hampshire_store" if {
	"new_hampshire" in data.city.packs
	data.packs.new_hampshire.new_hampshire_store.satisfied == true
}

proved contains "minnesota_tracking" if {
	"minnesota" in data.city.packs
	data.packs.minnesota.minnesota_tracking.satisfied == true
}

proved contains "minnesota_recipient" if {
	"minnesota" in data.city.packs
	data.packs.minnesota.minnesota_recipient.satisfied == true
}

proved contains "minnesota_record" if {
	"minnesota" in data.city.packs
	data.packs.minnesota.minnesota_record.satisfied == true
}

proved contains "vermont_recipient" if {
	"vermont" in data.city.packs
	data.packs.vermont.vermont_recipient.satisfied == true
}

proved contains "vermont_record" if {
	"vermont" in data.city.packs
	data.packs.vermont.vermont_record.satisfied == true
}

proved contains "connecticut_recipient" if {
	"connecticut" in data.city.packs
	data.packs.connecticut.connecticut_recipient.satisfied == true
}

# In the order in which the agency reads its reasons. The same lists stand in .manifest.
provisions := array.concat(binding_every_city, [code |
	some pack in data.city.packs
	some code in data.pack[pack].provisions
])

binding_every_city := [
	"civil_immigration",
	"health_care",
	"out_of_state_declaration",
	"federal_component",
	"bulk_access",
	"immigration_crime",
	"sharing_stopped",
	"agency_standing",
	"affirmation",
	"end_requester",
	"attestation",
	"health_data",
	"restrictive_law",
	"city_purpose",
	"stated_reason",
	"agreement",
	"case_number",
	"repeated_search",
	"rephrased_request",
	"target_sweep",
	"sensitive_place",
	"query_limits",
	"officer_standing",
	"officer_proof",
	"officer_training",
	"officer_presence",
]

unmet := [code |
	some code in provisions
	not code in proved
]

default permit := false

permit if {
	count(provisions) > 0
	every_pack_is_known
	count(unmet) == 0
	count(proved) == count(provisions)
	is_object(owed)
}

# A pack that nobody knows would ask for nothing.
every_pack_is_known if {
	count(data.city.packs) > 0
	every pack in data.city.packs {
		is_array(data.pack[pack].provisions)
	}
}

default obligations := {}

obligations := owed if permit

decision := {
	"permit": permit,
	"proved": sort(proved),
	"unmet": unmet,
	"obligations": obligations,
}

package main_test

import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.main

test_every_provision_is_proved_and_none_is_unmet if {
	main.decision.permit == true with input as request
	main.decision.proved == sort(main.provisions) with input as request
	main.decision.unmet == [] with input as request
}

test_nothing_permits_nothing if {
	decision := main.decision with input as {}
	decision == {"permit": false, "proved": [], "unmet": main.provisions, "obligations": {}}
}

test_a_denial_owes_nothing if {
	main.decision.obligations == {} with input as having("/agency/status", "suspended")
}

test_every_reason_is_given_at_once if {
	main.decision.unmet == ["agency_standing", "attestation", "case_number"] with input as changed([
		{"op": "replace", "path": "/agency/status", "value": "suspended"},
		{"op": "replace", "path": "/words/case_number/plausible", "value": false},
		{"op": "replace", "path": "/attestation/accepted", "value": false},
	])
}

test_every_fact_is_needed if {
	every fact in {"agency", "end_requester", "query", "purpose", "on_behalf_of", "legal_process", "attestation", "words", "stops", "history", "patterns"} {
		main.decision.permit == false with input as without(concat("", ["/", fact]))
	}
}

test_a_provision_that_is_not_proved_denies if {
	main.decision.permit == false with input as request with data.sharing.attestation.satisfied as false
	main.decision.permit == false with input as request with data.sharing.attestation.satisfied as "true"
}

test_no_permit_without_every_obligation if {
	main.decision.permit == false with input as request with data.city.redaction as {}
}

test_no_permit_without_a_list_of_provisions if {
	main.decision.permit == false with input as request with main.provisions as []
}

# Every city has these; each pack can only lengthen the list.
test_a_pack_only_adds if {
	every pack, law in data.pack {
		main.provisions == array.concat(main.binding_every_city, law.provisions) with data.city.packs as [pack]
	}
	every packs in [["illinois", "evanston"], ["evanston"]] {
		main.provisions == main.binding_every_city with data.city.packs as packs
	}
}

test_what_a_pack_adds_is_unmet_by_nothing if {
	every pack, law in data.pack {
		decision := main.decision with input as {} with data.city.packs as [pack]
		decision.proved == []
		decision.unmet == array.concat(main.binding_every_city, law.provisions)
	}
}

test_what_a_pack_adds_denies if {
	main.decision.unmet == ["virginia_recipient"] with input as request with data.city.packs as ["virginia"]
	main.decision.permit == false with input as request with data.city.packs as ["virginia"]
}

test_what_a_pack_adds_can_be_proved if {
	every pack, facts in lawful_under {
		main.decision.proved == sort(main.provisions) with input as facts with data.city as city_with(pack)
		main.decision.permit == true with input as facts with data.city as city_with(pack)
	}
}

test_what_a_pack_adds_is_proved_by_its_own_word_alone if {
	"new_hampshire_store" in main.proved with data.city as city_with("new_hampshire")
		with data.packs.new_hampshire.new_hampshire_store.satisfied as true
	every word in [false, "true", 1, null] {
		not "new_hampshire_store" in main.proved with data.city as city_with("new_hampshire")
			with data.packs.new_hampshire.new_hampshire_store.satisfied as word
	}
}

test_every_pack_but_one_permits_something if {
	adding := {pack | some pack, law in data.pack; count(law.provisions) > 0}
	adding - object.keys(lawful_under) == {"new_hampshire"}
}

lawful_under := {
	"california": having("/agency/state", "CA"),
	"virginia": having("/agency/state", "VA"),
	"washington": changed([state("WA"), {"op": "replace", "path": "/purpose/offense", "value": "240"}]),
	"new_jersey": having("/agency/state", "NJ"),
	"minnesota": changed([state("MN"), {"op": "replace", "path": "/query/window_hours", "value": 24}]),
	"vermont": changed([
		state("VT"),
		{"op": "replace", "path": "/end_requester", "value": object.union(request.agency, {"id": "b", "state": "VT"})},
		{
			"op": "replace",
			"path": "/on_behalf_of",
			"value": {"agency": "b", "component": null, "person": "Lee Example"},
		},
	]),
	"connecticut": having("/agency/state", "CT"),
}

state(name) := {"op": "replace", "path": "/agency/state", "value": name}

city_with(pack) := object.union(data.city, {
	"state": data.pack[pack].state,
	"packs": [pack],
	"named_recipients": {pack: ["evanston-pd"]},
})

test_no_permit_without_packs_that_are_known if {
	every packs in [[], ["ilinois"], ["illinois", "ilinois"], [7], {}] {
		main.decision.permit == false with input as request with data.city.packs as packs
	}
	main.decision.permit == false with input as request with data.city as object.remove(data.city, ["packs"])
	main.decision.permit == false with input as request with data.pack as {}
	main.decision.permit == false with input as request with data.pack.evanston as {}
}

test_an_agency_of_another_state if main.decision.permit == true with input as having("/agency", away)

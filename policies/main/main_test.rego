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
	main.decision.unmet == ["agency_standing", "case_number", "attestation"] with input as changed([
		{"op": "replace", "path": "/agency/status", "value": "suspended"},
		{"op": "replace", "path": "/words/case_number/plausible", "value": false},
		{"op": "replace", "path": "/attestation/accepted", "value": false},
	])
}

test_every_fact_is_needed if {
	every fact in {"agency", "end_requester", "query", "purpose", "on_behalf_of", "legal_process", "attestation", "words", "stops"} {
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
	asked := having("/agency/state", "VA")
	city := object.union(data.city, {"state": "VA", "packs": ["illinois", "virginia"]})
	"virginia_recipient" in main.decision.proved with input as asked with data.city as city
	main.decision.permit == true with input as asked with data.city as city
}

test_no_permit_without_packs_that_are_known if {
	every packs in [[], ["ilinois"], ["illinois", "ilinois"], [7], {}] {
		main.decision.permit == false with input as request with data.city.packs as packs
	}
	main.decision.permit == false with input as request with data.city as object.remove(data.city, ["packs"])
	main.decision.permit == false with input as request with data.pack as {}
	main.decision.permit == false with input as request with data.pack.evanston as {}
}

test_an_agency_of_another_state if main.decision.permit == true with input as having("/agency", away)

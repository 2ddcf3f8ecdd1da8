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

test_an_agency_of_another_state if main.decision.permit == true with input as having("/agency", away)

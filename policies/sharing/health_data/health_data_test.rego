package sharing.health_data_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.away
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.warrant
import data.sharing.health_data

test_satisfied_by_the_flawless_request if health_data.satisfied with input as request

test_not_satisfied_by_nothing if not health_data.satisfied with input as {}

elsewhere := json.patch(having("/agency", away), [{"op": "replace", "path": "/words/classes", "value": ["care_place"]}])

federal := json.patch(elsewhere, [{"op": "replace", "path": "/agency", "value": object.union(request.agency, {"kind": "federal", "state": null})}])

test_at_home if health_data.satisfied with input as having("/words/classes", ["care_place"])

test_at_home_for_a_neighbour if {
	health_data.satisfied with input as json.patch(asked_for(neighbour), [{"op": "replace", "path": "/words/classes", "value": ["care_place"]}])
}

test_no_health_data_elsewhere if health_data.satisfied with input as having("/agency", away)

test_another_state if not health_data.satisfied with input as elsewhere

test_a_federal_body if not health_data.satisfied with input as federal

test_asked_for_by_another_state if {
	not health_data.satisfied with input as json.patch(asked_for(away), [{"op": "replace", "path": "/words/classes", "value": ["care_patient"]}])
}

shown(facts, paper) := json.patch(facts, [{"op": "replace", "path": "/legal_process", "value": paper}])

test_a_verified_warrant if {
	health_data.satisfied with input as shown(elsewhere, warrant)
	health_data.satisfied with input as shown(federal, object.union(warrant, {"kind": "search_warrant"}))
}

test_anything_less_than_a_verified_warrant if {
	every changes in [{"verified": false}, {"kind": "subpoena"}, {"kind": "court_order"}, {"judge": null}, {"form_numbers": ["I-205"]}] {
		not health_data.satisfied with input as shown(elsewhere, object.union(warrant, changes))
	}
}

spoilt(patch) := json.patch(having("/agency", away), [patch])

test_words_missing if {
	not health_data.satisfied with input as spoilt({"op": "remove", "path": "/words"})
	not health_data.satisfied with input as spoilt({"op": "remove", "path": "/words/classes"})
	not health_data.satisfied with input as spoilt({"op": "replace", "path": "/words/reviewed", "value": false})
}

test_words_mistyped if {
	not health_data.satisfied with input as spoilt({"op": "replace", "path": "/words/classes", "value": 7})
	not health_data.satisfied with input as spoilt({"op": "replace", "path": "/words/classes", "value": {"a": 1}})
}

test_agency_missing if {
	not health_data.satisfied with input as json.patch(elsewhere, [{"op": "remove", "path": "/agency"}])
	not health_data.satisfied with input as json.patch(elsewhere, [{"op": "replace", "path": "/agency/state", "value": 7}])
}

test_the_classes_missing if not health_data.satisfied with input as spoilt({"op": "remove", "path": "/stops"}) with data.city.health_classes as []

ruled_on(ruling) := json.patch(elsewhere, [{"op": "replace", "path": "/ruling", "value": ruling}])

test_counsel_may_rule if health_data.satisfied with input as ruled_on({"health_data": "counsel"})

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"health_data": "staff"}, {"health_data": true}, {"stated_reason": "counsel"}] {
		not health_data.satisfied with input as ruled_on(ruling)
	}
}

package sharing.officer_proof_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.officer_proof

required := {kind: "required" | some kind, _ in data.city.officer_proof}

merely_named := having("/officer/proved", false)

test_satisfied_by_the_flawless_request if officer_proof.satisfied with input as request

test_not_satisfied_by_nothing if not officer_proof.satisfied with input as {}

test_officer_missing if not officer_proof.satisfied with input as without("/officer")

test_officer_mistyped if not officer_proof.satisfied with input as having("/officer", 7)

test_officer_mistyped_as_object if not officer_proof.satisfied with input as having("/officer", {"a": 1})

test_proved_missing if not officer_proof.satisfied with input as without("/officer/proved")

test_proved_mistyped if not officer_proof.satisfied with input as having("/officer/proved", "true")

test_proved_mistyped_as_number if not officer_proof.satisfied with input as having("/officer/proved", 1)

test_merely_named_where_the_city_does_not_require_more if officer_proof.satisfied with input as merely_named

test_merely_named_where_the_city_requires_proof if {
	not officer_proof.satisfied with input as merely_named with data.city.officer_proof as required
}

test_proved_where_the_city_requires_proof if {
	officer_proof.satisfied with input as request with data.city.officer_proof as required
}

test_a_kind_that_the_city_says_nothing_of_must_prove_it if {
	not officer_proof.satisfied with input as merely_named with data.city.officer_proof as {}
	officer_proof.satisfied with input as request with data.city.officer_proof as {}
}

test_the_agency_without_a_kind_must_prove_it if {
	not officer_proof.satisfied with input as json.patch(merely_named, [{"op": "remove", "path": "/agency/kind"}])
}

test_a_stranger_is_refused_elsewhere if {
	officer_proof.satisfied with input as json.patch(merely_named, [
		{"op": "replace", "path": "/agency/known", "value": false},
		{"op": "replace", "path": "/agency/kind", "value": null},
	])
}

lasting(hours) := having("/officer/session_age_hours", hours)

test_the_last_hour_of_a_session if {
	officer_proof.satisfied with input as lasting(11) with data.city.officer_proof as required with data.city.officer_session_hours as 12
}

test_the_hour_after_it if {
	not officer_proof.satisfied with input as lasting(12) with data.city.officer_proof as required with data.city.officer_session_hours as 12
}

test_a_session_of_no_known_age if {
	every age in [null, "1", -1, {"a": 1}] {
		not officer_proof.satisfied with input as lasting(age) with data.city.officer_proof as required with data.city.officer_session_hours as 12
	}
}

package sharing.sensitive_place_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.ruled
import data.facts.flawless_test.warrant
import data.facts.flawless_test.without
import data.sharing.sensitive_place

test_satisfied_by_the_flawless_request if sensitive_place.satisfied with input as request

test_not_satisfied_by_nothing if not sensitive_place.satisfied with input as {}

test_patterns_missing if not sensitive_place.satisfied with input as without("/patterns")

test_patterns_mistyped if not sensitive_place.satisfied with input as having("/patterns", 7)

test_patterns_mistyped_as_object if not sensitive_place.satisfied with input as having("/patterns", {"a": 1})

test_sensitive_places_missing if not sensitive_place.satisfied with input as without("/patterns/sensitive_places")

test_sensitive_places_mistyped if not sensitive_place.satisfied with input as having("/patterns/sensitive_places", "x")

test_sensitive_places_mistyped_as_object if not sensitive_place.satisfied with input as having("/patterns/sensitive_places", {"a": 1})

looked(officer, agency) := changed([
	{"op": "replace", "path": "/patterns/sensitive_places", "value": ["clinic"]},
	{"op": "replace", "path": "/patterns/sensitive_by_officer", "value": officer},
	{"op": "replace", "path": "/patterns/sensitive_by_agency", "value": agency},
])

test_as_often_as_is_allowed if sensitive_place.satisfied with input as looked(3, 12)

test_once_more_by_the_officer if not sensitive_place.satisfied with input as looked(4, 4)

test_once_more_by_the_agency if not sensitive_place.satisfied with input as looked(1, 13)

test_elsewhere_nothing_is_counted if {
	sensitive_place.satisfied with input as json.patch(looked(50, 50), [{"op": "replace", "path": "/patterns/sensitive_places", "value": []}])
}

test_none_is_not_counted if {
	not sensitive_place.satisfied with input as looked(0, 1)
	not sensitive_place.satisfied with input as looked(1, 0)
}

test_sensitive_by_officer_missing if {
	not sensitive_place.satisfied with input as json.patch(looked(1, 1), [{"op": "remove", "path": "/patterns/sensitive_by_officer"}])
}

test_sensitive_by_officer_mistyped if {
	not sensitive_place.satisfied with input as looked("1", 1)
	not sensitive_place.satisfied with input as looked({"a": 1}, 1)
}

test_sensitive_by_agency_missing if {
	not sensitive_place.satisfied with input as json.patch(looked(1, 1), [{"op": "remove", "path": "/patterns/sensitive_by_agency"}])
}

test_sensitive_by_agency_mistyped if {
	not sensitive_place.satisfied with input as looked(1, "1")
	not sensitive_place.satisfied with input as looked(1, {"a": 1})
}

shown(paper) := json.patch(looked(50, 50), [{"op": "replace", "path": "/legal_process", "value": paper}])

test_a_verified_warrant if sensitive_place.satisfied with input as shown(warrant)

test_an_unverified_warrant if not sensitive_place.satisfied with input as shown(object.union(warrant, {"verified": false}))

ruled_on(ruling) := json.patch(ruled(ruling), [
	{"op": "replace", "path": "/patterns/sensitive_places", "value": ["shelter"]},
	{"op": "replace", "path": "/patterns/sensitive_by_officer", "value": 50},
])

test_staff_or_counsel_may_rule if {
	sensitive_place.satisfied with input as ruled_on({"sensitive_place": "staff"})
	sensitive_place.satisfied with input as ruled_on({"sensitive_place": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"sensitive_place": "none"}, {"stated_reason": "counsel"}] {
		not sensitive_place.satisfied with input as ruled_on(ruling)
	}
}

test_the_settings_missing if {
	every setting in [null, {}, {"most_by_officer": 3}, {"most_by_agency": 12}] {
		not sensitive_place.satisfied with input as looked(1, 1) with data.city.sensitive_places as setting
	}
}

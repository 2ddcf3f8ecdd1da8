package sharing.repeated_search_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.ruled
import data.facts.flawless_test.warrant
import data.facts.flawless_test.without
import data.sharing.repeated_search

test_satisfied_by_the_flawless_request if repeated_search.satisfied with input as request

test_not_satisfied_by_nothing if not repeated_search.satisfied with input as {}

test_history_missing if not repeated_search.satisfied with input as without("/history")

test_history_mistyped if not repeated_search.satisfied with input as having("/history", 7)

test_history_mistyped_as_object if not repeated_search.satisfied with input as having("/history", {"a": 1})

test_days_searched_missing if not repeated_search.satisfied with input as without("/history/days_searched")

test_days_searched_mistyped if not repeated_search.satisfied with input as having("/history/days_searched", "1")

test_days_searched_mistyped_as_object if not repeated_search.satisfied with input as having("/history/days_searched", {"a": 1})

test_patterns_missing if not repeated_search.satisfied with input as without("/patterns")

test_patterns_mistyped if not repeated_search.satisfied with input as having("/patterns", 7)

test_patterns_mistyped_as_object if not repeated_search.satisfied with input as having("/patterns", {"a": 1})

test_days_by_agency_missing if not repeated_search.satisfied with input as without("/patterns/days_by_agency")

test_days_by_agency_mistyped if not repeated_search.satisfied with input as having("/patterns/days_by_agency", "1")

test_days_by_agency_mistyped_as_object if not repeated_search.satisfied with input as having("/patterns/days_by_agency", {"a": 1})

by_agency(number) := having("/patterns/days_by_agency", number)

test_as_many_days_as_the_agency_is_allowed if repeated_search.satisfied with input as by_agency(10)

test_the_day_after_by_whichever_officer if not repeated_search.satisfied with input as by_agency(11)

test_no_day_of_the_agency_is_not_counted if {
	not repeated_search.satisfied with input as by_agency(0)
	not repeated_search.satisfied with input as by_agency(-1)
}

days(number) := having("/history/days_searched", number)

test_as_many_days_as_are_allowed if repeated_search.satisfied with input as days(5)

test_the_day_after if not repeated_search.satisfied with input as days(6)

test_no_day_is_not_counted if {
	not repeated_search.satisfied with input as days(0)
	not repeated_search.satisfied with input as days(-1)
}

test_other_days_under_other_cases_make_no_difference if {
	not repeated_search.satisfied with input as changed([
		{"op": "replace", "path": "/history/days_searched", "value": 6},
		{"op": "replace", "path": "/history/days_under_another_case", "value": 6},
	])
}

shown(paper) := changed([
	{"op": "replace", "path": "/history/days_searched", "value": 30},
	{"op": "replace", "path": "/legal_process", "value": paper},
])

test_a_verified_warrant if repeated_search.satisfied with input as shown(warrant)

test_an_unverified_warrant if not repeated_search.satisfied with input as shown(object.union(warrant, {"verified": false}))

test_a_warrant_on_a_civil_form if {
	not repeated_search.satisfied with input as shown(object.union(warrant, {"form_numbers": ["I-200"]}))
}

test_a_verified_warrant_does_not_stand_for_a_count if {
	every path in {"/history", "/patterns/days_by_agency"} {
		not repeated_search.satisfied with input as json.patch(shown(warrant), [{"op": "remove", "path": path}])
	}
}

ruled_on(ruling) := json.patch(ruled(ruling), [{"op": "replace", "path": "/history/days_searched", "value": 30}])

test_staff_or_counsel_may_rule if {
	repeated_search.satisfied with input as ruled_on({"repeated_search": "staff"})
	repeated_search.satisfied with input as ruled_on({"repeated_search": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"repeated_search": "none"}, {"stated_reason": "counsel"}] {
		not repeated_search.satisfied with input as ruled_on(ruling)
	}
}

test_the_settings_missing if {
	not repeated_search.satisfied with input as request with data.city.most_days_searched as null
	not repeated_search.satisfied with input as request with data.city.most_days_by_agency as null
}

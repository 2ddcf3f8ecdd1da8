package sharing.target_sweep_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.ruled
import data.facts.flawless_test.warrant
import data.facts.flawless_test.without
import data.sharing.target_sweep

test_satisfied_by_the_flawless_request if target_sweep.satisfied with input as request

test_not_satisfied_by_nothing if not target_sweep.satisfied with input as {}

test_patterns_missing if not target_sweep.satisfied with input as without("/patterns")

test_patterns_mistyped if not target_sweep.satisfied with input as having("/patterns", 7)

test_patterns_mistyped_as_object if not target_sweep.satisfied with input as having("/patterns", {"a": 1})

test_targets_this_hour_missing if not target_sweep.satisfied with input as without("/patterns/targets_this_hour")

test_targets_this_hour_mistyped if not target_sweep.satisfied with input as having("/patterns/targets_this_hour", "x")

test_targets_this_hour_mistyped_as_object if not target_sweep.satisfied with input as having("/patterns/targets_this_hour", {"a": 1})

test_targets_today_missing if not target_sweep.satisfied with input as without("/patterns/targets_today")

test_targets_today_mistyped if not target_sweep.satisfied with input as having("/patterns/targets_today", "x")

test_targets_today_mistyped_as_object if not target_sweep.satisfied with input as having("/patterns/targets_today", {"a": 1})

asked(hour, day) := changed([
	{"op": "replace", "path": "/patterns/targets_this_hour", "value": hour},
	{"op": "replace", "path": "/patterns/targets_today", "value": day},
])

test_as_many_as_are_allowed if target_sweep.satisfied with input as asked(30, 80)

test_one_more_this_hour if not target_sweep.satisfied with input as asked(31, 31)

test_one_more_today if not target_sweep.satisfied with input as asked(1, 81)

test_none_is_not_counted if {
	not target_sweep.satisfied with input as asked(0, 1)
	not target_sweep.satisfied with input as asked(1, 0)
	not target_sweep.satisfied with input as asked(-1, -1)
}

shown(paper) := json.patch(asked(200, 200), [{"op": "replace", "path": "/legal_process", "value": paper}])

test_a_verified_warrant if target_sweep.satisfied with input as shown(warrant)

test_an_unverified_warrant if not target_sweep.satisfied with input as shown(object.union(warrant, {"verified": false}))

test_a_warrant_on_a_civil_form if {
	not target_sweep.satisfied with input as shown(object.union(warrant, {"form_numbers": ["I-200"]}))
}

test_a_verified_warrant_does_not_stand_for_a_count if {
	every path in {"/patterns/targets_this_hour", "/patterns/targets_today"} {
		not target_sweep.satisfied with input as json.patch(shown(warrant), [{"op": "remove", "path": path}])
	}
}

ruled_on(ruling) := json.patch(ruled(ruling), [{"op": "replace", "path": "/patterns/targets_today", "value": 201}])

test_staff_or_counsel_may_rule if {
	target_sweep.satisfied with input as ruled_on({"target_sweep": "staff"})
	target_sweep.satisfied with input as ruled_on({"target_sweep": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"target_sweep": "none"}, {"stated_reason": "counsel"}] {
		not target_sweep.satisfied with input as ruled_on(ruling)
	}
}

test_the_settings_missing if {
	every setting in [null, {}, {"targets_an_hour": 30}, {"targets_a_day": 80}] {
		not target_sweep.satisfied with input as request with data.city.sweep as setting
	}
}

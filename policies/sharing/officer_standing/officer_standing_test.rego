package sharing.officer_standing_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.officer_standing

test_satisfied_by_the_flawless_request if officer_standing.satisfied with input as request

test_not_satisfied_by_nothing if not officer_standing.satisfied with input as {}

test_officer_missing if not officer_standing.satisfied with input as without("/officer")

test_officer_mistyped if not officer_standing.satisfied with input as having("/officer", 7)

test_officer_mistyped_as_object if not officer_standing.satisfied with input as having("/officer", {"a": 1})

test_suspended_missing if not officer_standing.satisfied with input as without("/officer/suspended")

test_suspended_mistyped if not officer_standing.satisfied with input as having("/officer/suspended", 0)

test_suspended_mistyped_as_text if not officer_standing.satisfied with input as having("/officer/suspended", "false")

test_suspended if not officer_standing.satisfied with input as having("/officer/suspended", true)

test_proved_and_suspended if {
	not officer_standing.satisfied with input as json.patch(
		having("/officer/suspended", true),
		[{"op": "add", "path": "/officer/proved", "value": true}],
	)
}

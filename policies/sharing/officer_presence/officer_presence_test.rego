package sharing.officer_presence_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.ruled
import data.facts.flawless_test.without
import data.sharing.officer_presence

clients(number) := having("/officer/clients_this_hour", number)

hours(number) := having("/officer/hours_today", number)

sessions(number) := having("/officer/sessions_at_once", number)

test_satisfied_by_the_flawless_request if officer_presence.satisfied with input as request

test_not_satisfied_by_nothing if not officer_presence.satisfied with input as {}

test_officer_missing if not officer_presence.satisfied with input as without("/officer")

test_officer_mistyped if not officer_presence.satisfied with input as having("/officer", 7)

test_officer_mistyped_as_object if not officer_presence.satisfied with input as having("/officer", {"a": 1})

test_clients_missing if not officer_presence.satisfied with input as without("/officer/clients_this_hour")

test_clients_mistyped if not officer_presence.satisfied with input as clients("1")

test_no_client if not officer_presence.satisfied with input as clients(0)

test_hours_missing if not officer_presence.satisfied with input as without("/officer/hours_today")

test_hours_mistyped if not officer_presence.satisfied with input as hours("1")

test_hours_mistyped_as_object if not officer_presence.satisfied with input as hours({"a": 1})

test_no_hour if not officer_presence.satisfied with input as hours(0)

test_sessions_missing if not officer_presence.satisfied with input as without("/officer/sessions_at_once")

test_sessions_mistyped if not officer_presence.satisfied with input as sessions("1")

test_sessions_mistyped_as_object if not officer_presence.satisfied with input as sessions({"a": 1})

test_no_session if not officer_presence.satisfied with input as sessions(0)

test_no_limit_is_set if {
	officer_presence.satisfied with input as clients(9) with data.city.officer_most_clients_an_hour as null
	officer_presence.satisfied with input as hours(24) with data.city.officer_most_hours_a_day as null
	officer_presence.satisfied with input as sessions(9) with data.city.officer_most_sessions_at_once as null
}

test_one_client_of_one if officer_presence.satisfied with input as clients(1) with data.city.officer_most_clients_an_hour as 1

test_two_clients_of_one if not officer_presence.satisfied with input as clients(2) with data.city.officer_most_clients_an_hour as 1

test_one_session_of_one if officer_presence.satisfied with input as sessions(1) with data.city.officer_most_sessions_at_once as 1

test_two_sessions_of_one if not officer_presence.satisfied with input as sessions(2) with data.city.officer_most_sessions_at_once as 1

test_the_last_hour_of_a_day if officer_presence.satisfied with input as hours(16) with data.city.officer_most_hours_a_day as 16

test_one_hour_more_of_a_day if not officer_presence.satisfied with input as hours(17) with data.city.officer_most_hours_a_day as 16

ruled_on(ruling) := json.patch(ruled(ruling), [{"op": "replace", "path": "/officer/hours_today", "value": 24}])

test_staff_or_counsel_may_rule if {
	officer_presence.satisfied with input as ruled_on({"officer_presence": "staff"}) with data.city.officer_most_hours_a_day as 16
	officer_presence.satisfied with input as ruled_on({"officer_presence": "counsel"}) with data.city.officer_most_hours_a_day as 16
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"officer_presence": "none"}, {"stated_reason": "counsel"}] {
		not officer_presence.satisfied with input as ruled_on(ruling) with data.city.officer_most_hours_a_day as 16
	}
}

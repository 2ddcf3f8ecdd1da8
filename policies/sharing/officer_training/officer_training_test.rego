package sharing.officer_training_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.officer_training

trained(days_ago) := having("/officer/training_age_days", days_ago)

test_satisfied_by_the_flawless_request if officer_training.satisfied with input as request

test_not_satisfied_by_nothing if not officer_training.satisfied with input as {}

test_officer_missing if not officer_training.satisfied with input as without("/officer")

test_officer_mistyped if not officer_training.satisfied with input as having("/officer", 7)

test_officer_mistyped_as_object if not officer_training.satisfied with input as having("/officer", {"a": 1})

test_proved_missing if not officer_training.satisfied with input as without("/officer/proved")

test_proved_mistyped if not officer_training.satisfied with input as having("/officer/proved", "true")

test_the_last_day_of_a_training if officer_training.satisfied with input as trained(365) with data.city.officer_training_days as 365

test_the_day_after_it if not officer_training.satisfied with input as trained(366) with data.city.officer_training_days as 365

test_a_training_in_the_future if not officer_training.satisfied with input as trained(-1) with data.city.officer_training_days as 365

test_a_training_of_no_known_day if {
	every age in [null, "30", {"a": 1}] {
		not officer_training.satisfied with input as trained(age) with data.city.officer_training_days as 365
	}
}

test_a_training_day_missing if {
	not officer_training.satisfied with input as without("/officer/training_age_days") with data.city.officer_training_days as 365
}

test_a_training_of_somebody_who_is_merely_named if {
	not officer_training.satisfied with input as having("/officer/proved", false) with data.city.officer_training_days as 365
}

test_no_training_is_asked_for if {
	officer_training.satisfied with input as trained(null)
	officer_training.satisfied with input as having("/officer/proved", false)
}

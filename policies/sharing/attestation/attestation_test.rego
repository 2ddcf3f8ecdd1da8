package sharing.attestation_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.attestation

test_satisfied_by_the_flawless_request if attestation.satisfied with input as request

test_not_satisfied_by_nothing if not attestation.satisfied with input as {}

test_attestation_missing if not attestation.satisfied with input as without("/attestation")

test_attestation_mistyped if not attestation.satisfied with input as having("/attestation", 7)

test_attestation_mistyped_as_object if not attestation.satisfied with input as having("/attestation", {"a": 1})

test_attestation_accepted_missing if not attestation.satisfied with input as without("/attestation/accepted")

test_attestation_accepted_mistyped if not attestation.satisfied with input as having("/attestation/accepted", 7)

test_attestation_accepted_mistyped_as_object if not attestation.satisfied with input as having("/attestation/accepted", {"a": 1})

test_attestation_text_version_missing if not attestation.satisfied with input as without("/attestation/text_version")

test_attestation_text_version_mistyped if not attestation.satisfied with input as having("/attestation/text_version", 7)

test_attestation_text_version_mistyped_as_object if not attestation.satisfied with input as having("/attestation/text_version", {"a": 1})

test_not_accepted if not attestation.satisfied with input as having("/attestation/accepted", false)

test_accepted_in_words if not attestation.satisfied with input as having("/attestation/accepted", "true")

test_a_text_we_do_not_know if not attestation.satisfied with input as having("/attestation/text_version", "1999-01")

test_no_version if not attestation.satisfied with input as having("/attestation/text_version", "")

ending := {"2026-01": {"accepted_until": "2026-11-22"}}

test_the_last_day if attestation.satisfied with input as request with data.city.attestation_texts as ending

test_the_day_before_the_last if {
	attestation.satisfied with input as having("/clock/date", "2026-11-21") with data.city.attestation_texts as ending
}

test_the_day_after_the_last if {
	not attestation.satisfied with input as having("/clock/date", "2026-11-23") with data.city.attestation_texts as ending
}

test_no_date if {
	not attestation.satisfied with input as without("/clock/date") with data.city.attestation_texts as ending
}

test_a_date_that_is_none if {
	not attestation.satisfied with input as having("/clock/date", "") with data.city.attestation_texts as ending
}

test_a_date_mistyped if {
	not attestation.satisfied with input as having("/clock/date", 7) with data.city.attestation_texts as ending
}

test_no_officer if not attestation.satisfied with input as without("/requester")

test_an_officer_mistyped if not attestation.satisfied with input as having("/requester", 7)

test_no_name if not attestation.satisfied with input as without("/requester/name")

test_a_name_mistyped if not attestation.satisfied with input as having("/requester/name", ["Pat Example"])

test_a_name_that_names_nobody if {
	every name in ["", " ", "-", "n/a", "7"] {
		not attestation.satisfied with input as having("/requester/name", name)
	}
}

test_no_badge if not attestation.satisfied with input as without("/requester/badge")

test_a_badge_mistyped if not attestation.satisfied with input as having("/requester/badge", 4411)

test_a_badge_that_names_nobody if {
	every badge in ["", " ", "-", "n/a"] {
		not attestation.satisfied with input as having("/requester/badge", badge)
	}
}

test_no_date_even_without_an_end if not attestation.satisfied with input as without("/clock/date")

package sharing.case_number_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.case_number

test_satisfied_by_the_flawless_request if case_number.satisfied with input as request

test_not_satisfied_by_nothing if not case_number.satisfied with input as {}

test_purpose_case_number_missing if not case_number.satisfied with input as without("/purpose/case_number")

test_purpose_case_number_mistyped if not case_number.satisfied with input as having("/purpose/case_number", 7)

test_purpose_case_number_mistyped_as_object if not case_number.satisfied with input as having("/purpose/case_number", {"a": 1})

test_words_case_number_missing if not case_number.satisfied with input as without("/words/case_number")

test_words_case_number_mistyped if not case_number.satisfied with input as having("/words/case_number", 7)

test_words_case_number_mistyped_as_object if not case_number.satisfied with input as having("/words/case_number", {"a": 1})

test_words_case_number_plausible_missing if not case_number.satisfied with input as without("/words/case_number/plausible")

test_words_case_number_plausible_mistyped if not case_number.satisfied with input as having("/words/case_number/plausible", 7)

test_words_case_number_plausible_mistyped_as_object if not case_number.satisfied with input as having("/words/case_number/plausible", {"a": 1})

test_words_case_number_call_for_service_missing if not case_number.satisfied with input as without("/words/case_number/call_for_service")

test_words_case_number_call_for_service_mistyped if not case_number.satisfied with input as having("/words/case_number/call_for_service", 7)

test_words_case_number_call_for_service_mistyped_as_object if not case_number.satisfied with input as having("/words/case_number/call_for_service", {"a": 1})

test_a_call_for_a_missing_person if case_number.satisfied with input as changed([{"op": "add", "path": "/words/case_number/call_for_service", "value": true}, {"op": "add", "path": "/purpose/category", "value": "missing_or_endangered_person"}])

test_a_call_for_a_crime if not case_number.satisfied with input as having("/words/case_number/call_for_service", true)

test_implausible if not case_number.satisfied with input as having("/words/case_number/plausible", false)

test_empty if not case_number.satisfied with input as having("/purpose/case_number", " ")

with_ruling(ruling) := changed([
	{"op": "add", "path": "/words/case_number/plausible", "value": false},
	{"op": "add", "path": "/ruling", "value": ruling},
])

test_staff_or_counsel_may_rule if {
	case_number.satisfied with input as with_ruling({"case_number": "staff"})
	case_number.satisfied with input as with_ruling({"case_number": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"case_number": "none"}, {"case_number": true}, {"restrictive_law": "counsel"}, {"provision": "case_number"}] {
		not case_number.satisfied with input as with_ruling(ruling)
	}
}

test_ruling_missing if case_number.satisfied with input as without("/ruling")

package sharing.rephrased_request_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.ruled
import data.facts.flawless_test.without
import data.sharing.rephrased_request

test_satisfied_by_the_flawless_request if rephrased_request.satisfied with input as request

test_not_satisfied_by_nothing if not rephrased_request.satisfied with input as {}

test_patterns_missing if not rephrased_request.satisfied with input as without("/patterns")

test_patterns_mistyped if not rephrased_request.satisfied with input as having("/patterns", 7)

test_patterns_mistyped_as_object if not rephrased_request.satisfied with input as having("/patterns", {"a": 1})

test_refused_before_missing if not rephrased_request.satisfied with input as without("/patterns/refused_before")

test_refused_before_mistyped if not rephrased_request.satisfied with input as having("/patterns/refused_before", "x")

test_refused_before_mistyped_as_object if not rephrased_request.satisfied with input as having("/patterns/refused_before", {"a": 1})

test_more_refusals_missing if not rephrased_request.satisfied with input as without("/patterns/more_refusals")

test_more_refusals_mistyped if not rephrased_request.satisfied with input as having("/patterns/more_refusals", "x")

test_more_refusals_mistyped_as_object if not rephrased_request.satisfied with input as having("/patterns/more_refusals", {"a": 1})

refusal := {
	"minutes_ago": 10,
	"provisions": ["civil_immigration"],
	"category": "criminal_investigation",
	"classes_gone": ["immigration_enforcement"],
	"taken_back": [],
}

after(changes) := having("/patterns/refused_before", [object.union(refusal, changes)])

corrected := {"classes_gone": []}

test_words_taken_back if not rephrased_request.satisfied with input as after({})

test_words_taken_back_whatever_refused_them if {
	not rephrased_request.satisfied with input as after({"provisions": ["case_number"]})
}

test_nothing_taken_back if rephrased_request.satisfied with input as after(corrected)

test_another_class_of_words_is_no_matter if {
	rephrased_request.satisfied with input as after({"classes_gone": ["vague"]})
}

test_within_the_hour if not rephrased_request.satisfied with input as after({"minutes_ago": 60})

test_after_the_hour if rephrased_request.satisfied with input as after({"minutes_ago": 61})

test_what_a_prohibition_was_about_is_taken_back if {
	every part in {"category", "offense", "statute", "paper", "requester", "crime"} {
		not rephrased_request.satisfied with input as after({"classes_gone": [], "taken_back": [part]})
	}
}

test_a_formality_is_corrected if {
	every part in {"category", "offense", "statute", "paper", "requester", "crime"} {
		rephrased_request.satisfied with input as after({
			"provisions": ["case_number", "stated_reason", "attestation", "query_limits"],
			"classes_gone": [],
			"taken_back": [part],
		})
	}
}

test_a_code_is_corrected_and_a_crime_is_not if {
	rephrased_request.satisfied with input as after({"provisions": ["agreement"], "classes_gone": [], "taken_back": ["offense", "category"]})
	not rephrased_request.satisfied with input as after({"provisions": ["agreement"], "classes_gone": [], "taken_back": ["crime"]})
}

test_a_category_that_says_nothing_is_corrected if {
	rephrased_request.satisfied with input as after({"provisions": ["city_purpose"], "category": "other", "classes_gone": [], "taken_back": ["category"]})
	not rephrased_request.satisfied with input as after({"provisions": ["city_purpose"], "category": "health_care", "classes_gone": [], "taken_back": ["category"]})
}

test_one_of_several_is_enough if {
	not rephrased_request.satisfied with input as having("/patterns/refused_before", [object.union(refusal, corrected), refusal])
}

test_who_rephrased_goes_on_waiting if {
	not rephrased_request.satisfied with input as after({"provisions": ["rephrased_request"], "classes_gone": []})
}

test_more_than_are_listed if not rephrased_request.satisfied with input as having("/patterns/more_refusals", true)

test_a_refusal_of_another_shape if {
	every name, _ in refusal {
		not rephrased_request.satisfied with input as having("/patterns/refused_before", [object.remove(object.union(refusal, corrected), [name])])
		not rephrased_request.satisfied with input as after(object.union(corrected, {name: {"a": 1}}))
	}
	not rephrased_request.satisfied with input as having("/patterns/refused_before", [7])
}

ruled_on(ruling) := json.patch(ruled(ruling), [{"op": "add", "path": "/patterns/refused_before", "value": [refusal]}])

test_staff_or_counsel_may_rule if {
	rephrased_request.satisfied with input as ruled_on({"rephrased_request": "staff"})
	rephrased_request.satisfied with input as ruled_on({"rephrased_request": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"rephrased_request": "none"}, {"stated_reason": "counsel"}] {
		not rephrased_request.satisfied with input as ruled_on(ruling)
	}
}

test_the_settings_missing if {
	every setting in [null, {}, {"within_minutes": 60}, {"within_minutes": 60, "classes": [], "provisions": {}}] {
		not rephrased_request.satisfied with input as after(corrected) with data.city.rephrasing as setting
	}
}

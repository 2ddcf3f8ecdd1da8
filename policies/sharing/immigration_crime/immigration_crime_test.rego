package sharing.immigration_crime_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.warrant
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.immigration_crime

test_satisfied_by_the_flawless_request if immigration_crime.satisfied with input as request

test_not_satisfied_by_nothing if not immigration_crime.satisfied with input as {}

test_purpose_category_missing if not immigration_crime.satisfied with input as without("/purpose/category")

test_purpose_category_mistyped if not immigration_crime.satisfied with input as having("/purpose/category", 7)

test_purpose_category_mistyped_as_object if not immigration_crime.satisfied with input as having("/purpose/category", {"a": 1})

test_words_missing if not immigration_crime.satisfied with input as without("/words")

test_words_mistyped if not immigration_crime.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not immigration_crime.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not immigration_crime.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not immigration_crime.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not immigration_crime.satisfied with input as having("/words/classes", {"a": 1})

test_no_offense if immigration_crime.satisfied with input as having("/purpose/offense", null)

test_words if not immigration_crime.satisfied with input as words(["immigration_crime"])

test_words_with_a_verified_warrant if not immigration_crime.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_crime"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_offense_code if not immigration_crime.satisfied with input as having("/purpose/offense", "30D")

test_offense_missing if not immigration_crime.satisfied with input as without("/purpose/offense")

test_offense_mistyped if not immigration_crime.satisfied with input as having("/purpose/offense", 30)

test_unread_words if not immigration_crime.satisfied with input as having("/words/reviewed", false)

ruled_on(ruling, paper) := changed([
	{"op": "add", "path": "/words/classes", "value": ["immigration_crime"]},
	{"op": "add", "path": "/legal_process", "value": paper},
	{"op": "add", "path": "/ruling", "value": ruling},
])

test_counsel_may_rule_on_a_verified_warrant if {
	immigration_crime.satisfied with input as ruled_on({"immigration_crime": "counsel"}, warrant)
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"immigration_crime": "staff"}, {"immigration_crime": true}, {"stated_reason": "counsel"}] {
		not immigration_crime.satisfied with input as ruled_on(ruling, warrant)
	}
}

test_counsel_cannot_rule_without_a_verified_warrant if {
	every paper in [null, 7, object.union(warrant, {"verified": false}), object.remove(warrant, ["judge"])] {
		not immigration_crime.satisfied with input as ruled_on({"immigration_crime": "counsel"}, paper)
	}
}

test_a_code_that_an_appeal_took_back if not immigration_crime.satisfied with input as having("/purpose/earlier_offenses", ["240", "30A"])

test_another_code_that_an_appeal_took_back if immigration_crime.satisfied with input as having("/purpose/earlier_offenses", ["240"])

test_codes_before_missing if not immigration_crime.satisfied with input as without("/purpose/earlier_offenses")

test_codes_before_that_are_no_list if not immigration_crime.satisfied with input as having("/purpose/earlier_offenses", {})

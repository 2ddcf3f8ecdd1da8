package sharing.stated_reason_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.stated_reason

test_satisfied_by_the_flawless_request if stated_reason.satisfied with input as request

test_not_satisfied_by_nothing if not stated_reason.satisfied with input as {}

test_purpose_narrative_missing if not stated_reason.satisfied with input as without("/purpose/narrative")

test_purpose_narrative_mistyped if not stated_reason.satisfied with input as having("/purpose/narrative", 7)

test_purpose_narrative_mistyped_as_object if not stated_reason.satisfied with input as having("/purpose/narrative", {"a": 1})

test_words_missing if not stated_reason.satisfied with input as without("/words")

test_words_mistyped if not stated_reason.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not stated_reason.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not stated_reason.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not stated_reason.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not stated_reason.satisfied with input as having("/words/classes", {"a": 1})

test_words_narrative_specific_missing if not stated_reason.satisfied with input as without("/words/narrative/specific")

test_words_narrative_specific_mistyped if not stated_reason.satisfied with input as having("/words/narrative/specific", 7)

test_words_narrative_specific_mistyped_as_object if not stated_reason.satisfied with input as having("/words/narrative/specific", {"a": 1})

test_words_narrative_letters_missing if not stated_reason.satisfied with input as without("/words/narrative/letters")

test_words_narrative_letters_mistyped if not stated_reason.satisfied with input as having("/words/narrative/letters", "7")

test_words_narrative_letters_mistyped_as_object if not stated_reason.satisfied with input as having("/words/narrative/letters", {"a": 1})

test_words_narrative_vague_only_missing if not stated_reason.satisfied with input as without("/words/narrative/vague_only")

test_words_narrative_vague_only_mistyped if not stated_reason.satisfied with input as having("/words/narrative/vague_only", 7)

test_words_narrative_vague_only_mistyped_as_object if not stated_reason.satisfied with input as having("/words/narrative/vague_only", {"a": 1})

test_words_narrative_offense_class_missing if not stated_reason.satisfied with input as without("/words/narrative/offense_class")

test_words_narrative_offense_class_mistyped if not stated_reason.satisfied with input as having("/words/narrative/offense_class", 7)

test_words_narrative_offense_class_mistyped_as_object if not stated_reason.satisfied with input as having("/words/narrative/offense_class", {"a": 1})

test_a_class_beside_a_code if stated_reason.satisfied with input as changed([{"op": "add", "path": "/words/narrative/specific", "value": false}, {"op": "add", "path": "/words/narrative/means", "value": []}, {"op": "add", "path": "/words/narrative/offense_class", "value": true}])

test_a_class_beside_another_code if stated_reason.satisfied with input as changed([{"op": "add", "path": "/words/narrative/specific", "value": false}, {"op": "add", "path": "/words/narrative/means", "value": []}, {"op": "add", "path": "/words/narrative/offense_class", "value": true}, {"op": "add", "path": "/purpose/offense", "value": "240"}])

test_nothing_happened if not stated_reason.satisfied with input as changed([{"op": "add", "path": "/words/narrative/specific", "value": false}])

test_a_class_without_a_code if not stated_reason.satisfied with input as changed([{"op": "add", "path": "/words/narrative/specific", "value": false}, {"op": "add", "path": "/words/narrative/means", "value": []}, {"op": "add", "path": "/words/narrative/offense_class", "value": true}, {"op": "add", "path": "/purpose/offense", "value": null}])

test_a_class_beside_an_unknown_code if not stated_reason.satisfied with input as changed([{"op": "add", "path": "/words/narrative/specific", "value": false}, {"op": "add", "path": "/words/narrative/means", "value": []}, {"op": "add", "path": "/words/narrative/offense_class", "value": true}, {"op": "add", "path": "/purpose/offense", "value": "99Z"}])

test_doubt if not stated_reason.satisfied with input as words(["unexplained"])

test_a_people if not stated_reason.satisfied with input as words(["profiling"])

test_too_short if not stated_reason.satisfied with input as having("/words/narrative/letters", 2)

test_vague if not stated_reason.satisfied with input as having("/words/narrative/vague_only", true)

test_unread_words if not stated_reason.satisfied with input as having("/words/reviewed", false)

test_the_doubts_missing if not stated_reason.satisfied with input as request with data.city.doubts as []

with_ruling(ruling) := changed([
	{"op": "add", "path": "/words/narrative/specific", "value": false},
	{"op": "add", "path": "/ruling", "value": ruling},
])

test_staff_or_counsel_may_rule if {
	stated_reason.satisfied with input as with_ruling({"stated_reason": "staff"})
	stated_reason.satisfied with input as with_ruling({"stated_reason": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"stated_reason": "none"}, {"stated_reason": true}, {"restrictive_law": "counsel"}, {"provision": "stated_reason"}] {
		not stated_reason.satisfied with input as with_ruling(ruling)
	}
}

test_ruling_missing if stated_reason.satisfied with input as without("/ruling")

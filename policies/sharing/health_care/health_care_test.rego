package sharing.health_care_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.health_care

test_satisfied_by_the_flawless_request if health_care.satisfied with input as request

test_not_satisfied_by_nothing if not health_care.satisfied with input as {}

test_purpose_category_missing if not health_care.satisfied with input as without("/purpose/category")

test_purpose_category_mistyped if not health_care.satisfied with input as having("/purpose/category", 7)

test_purpose_category_mistyped_as_object if not health_care.satisfied with input as having("/purpose/category", {"a": 1})

test_words_missing if not health_care.satisfied with input as without("/words")

test_words_mistyped if not health_care.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not health_care.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not health_care.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not health_care.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not health_care.satisfied with input as having("/words/classes", {"a": 1})

test_words_reviewed_missing if not health_care.satisfied with input as without("/words/reviewed")

test_words_reviewed_mistyped if not health_care.satisfied with input as having("/words/reviewed", 7)

test_words_reviewed_mistyped_as_object if not health_care.satisfied with input as having("/words/reviewed", {"a": 1})

test_category if not health_care.satisfied with input as having("/purpose/category", "health_care")

test_words if not health_care.satisfied with input as words(["health_care"])

test_unread_words if not health_care.satisfied with input as having("/words/reviewed", false)

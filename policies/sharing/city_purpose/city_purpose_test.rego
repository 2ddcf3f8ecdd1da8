package sharing.city_purpose_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.city_purpose

test_satisfied_by_the_flawless_request if city_purpose.satisfied with input as request

test_not_satisfied_by_nothing if not city_purpose.satisfied with input as {}

test_purpose_category_missing if not city_purpose.satisfied with input as without("/purpose/category")

test_purpose_category_mistyped if not city_purpose.satisfied with input as having("/purpose/category", 7)

test_purpose_category_mistyped_as_object if not city_purpose.satisfied with input as having("/purpose/category", {"a": 1})

test_words_missing if not city_purpose.satisfied with input as without("/words")

test_words_mistyped if not city_purpose.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not city_purpose.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not city_purpose.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not city_purpose.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not city_purpose.satisfied with input as having("/words/classes", {"a": 1})

test_suspect_described_beside_a_crime_is_for_staff if city_purpose.satisfied with input as words(["profiling"])

test_category_stolen_vehicle if city_purpose.satisfied with input as having("/purpose/category", "stolen_vehicle")

test_category_missing_or_endangered_person if city_purpose.satisfied with input as having("/purpose/category", "missing_or_endangered_person")

test_category_human_trafficking if city_purpose.satisfied with input as having("/purpose/category", "human_trafficking")

test_category_wanted_person if city_purpose.satisfied with input as having("/purpose/category", "wanted_person")

test_words_protest_expression if not city_purpose.satisfied with input as words(["protest_expression"])

test_words_religion if not city_purpose.satisfied with input as words(["religion"])

test_words_personal_use if not city_purpose.satisfied with input as words(["personal_use"])

test_words_civil_commercial if not city_purpose.satisfied with input as words(["civil_commercial"])

test_other if not city_purpose.satisfied with input as having("/purpose/category", "other")

test_category_civil_immigration if not city_purpose.satisfied with input as having("/purpose/category", "civil_immigration")

test_category_health_care if not city_purpose.satisfied with input as having("/purpose/category", "health_care")

test_empty_category if not city_purpose.satisfied with input as having("/purpose/category", "")

test_a_people_without_a_crime if not city_purpose.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["profiling"]}, {"op": "add", "path": "/words/narrative/specific", "value": false}])

test_unread_words if not city_purpose.satisfied with input as having("/words/reviewed", false)

test_the_closed_purposes_missing if not city_purpose.satisfied with input as request with data.city.closed_purposes as []

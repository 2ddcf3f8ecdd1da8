package sharing.restrictive_law_test

import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.restrictive_law

test_satisfied_by_the_flawless_request if restrictive_law.satisfied with input as request

test_not_satisfied_by_nothing if not restrictive_law.satisfied with input as {}

test_words_missing if not restrictive_law.satisfied with input as without("/words")

test_words_mistyped if not restrictive_law.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not restrictive_law.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not restrictive_law.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not restrictive_law.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not restrictive_law.satisfied with input as having("/words/classes", {"a": 1})

test_words_narrative_means_missing if not restrictive_law.satisfied with input as without("/words/narrative/means")

test_words_narrative_means_mistyped if not restrictive_law.satisfied with input as having("/words/narrative/means", 7)

test_words_narrative_means_mistyped_as_object if not restrictive_law.satisfied with input as having("/words/narrative/means", {"a": 1})

test_one_sign_at_home if restrictive_law.satisfied with input as words(["care_family"])

test_a_clinic_alone if restrictive_law.satisfied with input as words(["care_clinic"])

test_an_attack_on_a_place_of_care if restrictive_law.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["care_place"]}, {"op": "add", "path": "/words/narrative/means", "value": ["attack"]}])

test_a_family_charge_at_home_for_one_at_home if restrictive_law.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["care_family"]}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}, {"op": "add", "path": "/purpose/statute_state", "value": "IL"}])

test_a_clinic_and_a_journey if not restrictive_law.satisfied with input as words(["care_clinic", "care_travel"])

test_a_pregnancy_and_a_charge if not restrictive_law.satisfied with input as words(["care_family", "care_patient"])

test_a_missing_girl_who_left_the_state if not restrictive_law.satisfied with input as words(["care_person", "care_travel"])

test_interest_in_a_place_of_care if not restrictive_law.satisfied with input as words(["care_place"])

test_a_family_charge_from_elsewhere if not restrictive_law.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/words/classes", "value": ["care_family"]}])

test_a_pregnancy_from_elsewhere if not restrictive_law.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/words/classes", "value": ["care_patient"]}])

test_a_family_charge_for_one_elsewhere if not restrictive_law.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["care_family"]}, {"op": "add", "path": "/end_requester", "value": away}])

test_a_family_charge_under_another_states_law if not restrictive_law.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["care_family"]}, {"op": "add", "path": "/purpose/statute_state", "value": "TX"}])

test_unread_words if not restrictive_law.satisfied with input as having("/words/reviewed", false)

test_the_signs_missing if not restrictive_law.satisfied with input as request with data.city.care_signs as null

with_ruling(ruling) := changed([
	{"op": "add", "path": "/words/classes", "value": ["care_place"]},
	{"op": "add", "path": "/ruling", "value": ruling},
])

test_counsel_may_rule if restrictive_law.satisfied with input as with_ruling({"restrictive_law": "counsel"})

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"restrictive_law": "staff"}, {"restrictive_law": true}, {"stated_reason": "counsel"}] {
		not restrictive_law.satisfied with input as with_ruling(ruling)
	}
}

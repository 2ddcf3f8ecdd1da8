package sharing.end_requester_test

import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.end_requester

test_satisfied_by_the_flawless_request if end_requester.satisfied with input as request

asks_for(days) := object.union(request, {
	"on_behalf_of": {"agency": "skokie-pd", "component": null, "person": "Lee Example"},
	"end_requester": object.union(request.agency, {
		"id": "skokie-pd",
		"affirmation": object.union(request.agency.affirmation, {"age_days": days}),
	}),
})

test_the_last_day_of_its_affirmation if {
	end_requester.satisfied with input as asks_for(data.city.affirmation_max_age_days)
}

test_the_day_after_its_affirmation if {
	not end_requester.satisfied with input as asks_for(data.city.affirmation_max_age_days + 1)
}

test_not_satisfied_by_nothing if not end_requester.satisfied with input as {}

test_agency_kind_missing if not end_requester.satisfied with input as without("/agency/kind")

test_agency_kind_mistyped if not end_requester.satisfied with input as having("/agency/kind", 7)

test_agency_kind_mistyped_as_object if not end_requester.satisfied with input as having("/agency/kind", {"a": 1})

test_agency_agreement_missing if not end_requester.satisfied with input as without("/agency/has_287g")

test_agency_agreement_mistyped if not end_requester.satisfied with input as having("/agency/has_287g", 7)

test_agency_agreement_mistyped_as_object if not end_requester.satisfied with input as having("/agency/has_287g", {"a": 1})

test_words_missing if not end_requester.satisfied with input as without("/words")

test_words_mistyped if not end_requester.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not end_requester.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not end_requester.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not end_requester.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not end_requester.satisfied with input as having("/words/classes", {"a": 1})

test_words_reviewed_missing if not end_requester.satisfied with input as without("/words/reviewed")

test_words_reviewed_mistyped if not end_requester.satisfied with input as having("/words/reviewed", 7)

test_words_reviewed_mistyped_as_object if not end_requester.satisfied with input as having("/words/reviewed", {"a": 1})

test_on_behalf_of_missing if not end_requester.satisfied with input as without("/on_behalf_of")

test_on_behalf_of_mistyped if not end_requester.satisfied with input as having("/on_behalf_of", 7)

test_on_behalf_of_mistyped_as_object if not end_requester.satisfied with input as having("/on_behalf_of", {"a": 1})

test_end_requester_missing if not end_requester.satisfied with input as without("/end_requester")

test_end_requester_mistyped if not end_requester.satisfied with input as having("/end_requester", 7)

test_end_requester_mistyped_as_object if not end_requester.satisfied with input as having("/end_requester", {"a": 1})

test_named_and_sound if end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_fusion_centre_that_names if end_requester.satisfied with input as changed([{"op": "add", "path": "/agency/kind", "value": "fusion_center"}, {"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_words_name_the_one_named if end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}, {"op": "add", "path": "/words/classes", "value": ["other_requester"]}])

test_agreement_at_home_is_not_this_rule if end_requester.satisfied with input as having("/agency/has_287g", true)

test_federal_body_names_itself if end_requester.satisfied with input as changed([{"op": "add", "path": "/agency/kind", "value": "federal"}, {"op": "add", "path": "/words/classes", "value": ["immigration_component"]}])

test_federal_end_requester_is_named_in_the_words if end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "federal", "state": null, "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}, {"op": "add", "path": "/words/classes", "value": ["immigration_component"]}])

test_fusion_centre_without_one if not end_requester.satisfied with input as having("/agency/kind", "fusion_center")

test_named_but_unknown if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": false, "id": null, "kind": null, "state": null, "status": null, "has_287g": null, "affirmation": null, "declaration": null}}])

test_named_but_suspended if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "suspended", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_named_but_unaffirmed if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "lapsed", "text_version": "2026-01", "age_days": 9}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_named_out_of_state_undeclared if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "TX", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_named_is_a_fusion_centre if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "fusion_center", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_named_out_of_state_with_287g if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": object.union(away, {"has_287g": true})}])

test_asker_out_of_state_with_287g if not end_requester.satisfied with input as changed([{"op": "add", "path": "/agency", "value": object.union(away, {"has_287g": true})}])

test_named_without_a_person if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": " "}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}])

test_named_without_facts if not end_requester.satisfied with input as having("/on_behalf_of", {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"})

test_facts_without_a_name if not end_requester.satisfied with input as having("/end_requester", {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}})

test_words_name_another if not end_requester.satisfied with input as words(["other_requester"])

test_words_name_an_immigration_body if not end_requester.satisfied with input as words(["immigration_component"])

test_words_name_ice if not end_requester.satisfied with input as words(["immigration_agency"])

test_words_name_a_body_that_is_not_the_one_named if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}, {"op": "add", "path": "/words/classes", "value": ["immigration_component"]}])

test_unread_words if not end_requester.satisfied with input as having("/words/reviewed", false)

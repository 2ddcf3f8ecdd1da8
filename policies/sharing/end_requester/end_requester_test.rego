package sharing.end_requester_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.stranger
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.end_requester

test_satisfied_by_the_flawless_request if end_requester.satisfied with input as request

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

test_agreement_at_home_is_not_this_rule if end_requester.satisfied with input as having("/agency/has_287g", true)

test_fusion_centre_without_one if not end_requester.satisfied with input as having("/agency/kind", "fusion_center")

test_asker_out_of_state_with_287g if not end_requester.satisfied with input as changed([{"op": "add", "path": "/agency", "value": object.union(away, {"has_287g": true})}])

test_words_name_another if not end_requester.satisfied with input as words(["other_requester"])

test_words_name_an_immigration_body if not end_requester.satisfied with input as words(["immigration_component"])

test_words_name_ice if not end_requester.satisfied with input as words(["immigration_agency"])

test_words_name_a_body_that_is_not_the_one_named if not end_requester.satisfied with input as changed([{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}}, {"op": "add", "path": "/end_requester", "value": {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}}}, {"op": "add", "path": "/words/classes", "value": ["immigration_component"]}])

test_unread_words if not end_requester.satisfied with input as having("/words/reviewed", false)

hsi := object.union(neighbour, {"id": "hsi-chicago", "kind": "federal", "state": null})

named_in(agency, field) := object.union(agency, {"words": object.union(request.words, {
	"classes": ["immigration_component"],
	"matches": [{"class": "immigration_component", "term": "hsi", "field": field, "start": 0, "end": 3}],
})})

also(facts, patches) := json.patch(facts, patches)

test_named_and_sound if end_requester.satisfied with input as asked_for(neighbour)

test_named_by_nobody if {
	not end_requester.satisfied with input as also(asked_for(neighbour), [{"op": "replace", "path": "/on_behalf_of/person", "value": " "}])
	not end_requester.satisfied with input as also(asked_for(neighbour), [{"op": "remove", "path": "/on_behalf_of/agency"}])
}

test_named_without_facts if not end_requester.satisfied with input as asked_for(null)

test_facts_without_a_name if not end_requester.satisfied with input as having("/end_requester", neighbour)

test_a_stranger if not end_requester.satisfied with input as asked_for(stranger)

test_a_fusion_centre_that_names if {
	end_requester.satisfied with input as also(asked_for(neighbour), [{"op": "replace", "path": "/agency/kind", "value": "fusion_center"}])
}

test_one_who_asks_for_others_in_turn if {
	not end_requester.satisfied with input as asked_for(object.union(neighbour, {"kind": "fusion_center"}))
}

test_an_agreement_outside_the_state if {
	not end_requester.satisfied with input as asked_for(object.union(away, {"has_287g": true}))
}

test_other_words_name_the_one_named if {
	end_requester.satisfied with input as also(asked_for(neighbour), [{"op": "add", "path": "/words/classes", "value": ["other_requester"]}])
}

test_a_federal_body_that_the_words_name_asks_itself if {
	facts := named_in(having("/agency", hsi), "agency.name")
	end_requester.satisfied with input as facts
}

test_a_federal_body_that_the_words_name_is_asked_for if {
	end_requester.satisfied with input as named_in(asked_for(hsi), "end_requester.name")
}

test_a_listed_body_is_asked_for if {
	facts := named_in(asked_for(hsi), "narrative")
	end_requester.satisfied with input as facts with data.city.immigration_bodies as ["hsi-chicago"]
	not end_requester.satisfied with input as facts with data.city.immigration_bodies as ["hsi-denver"]
}

test_words_name_another_federal_body_than_the_one_that_asks if {
	not end_requester.satisfied with input as named_in(asked_for(hsi), "narrative")
	not end_requester.satisfied with input as named_in(asked_for(hsi), "on_behalf_of.component")
	not end_requester.satisfied with input as named_in(asked_for(neighbour), "agency.name")
	not end_requester.satisfied with input as named_in(having("/agency", hsi), "narrative")
}

ruling_on(facts) := also(facts, [{"op": "add", "path": "/ruling", "value": {"end_requester": "staff"}}])

test_staff_may_rule_on_the_words if {
	end_requester.satisfied with input as ruling_on(words(["other_requester"]))
	end_requester.satisfied with input as ruling_on(named_in(asked_for(hsi), "narrative"))
}

test_staff_may_rule_on_an_agreement if {
	end_requester.satisfied with input as ruling_on(having("/agency", object.union(away, {"has_287g": true})))
	end_requester.satisfied with input as ruling_on(asked_for(object.union(away, {"has_287g": true})))
}

test_staff_cannot_rule_a_stranger_in if not end_requester.satisfied with input as ruling_on(asked_for(stranger))

test_staff_cannot_let_a_fusion_centre_ask_for_nobody if {
	not end_requester.satisfied with input as ruling_on(having("/agency/kind", "fusion_center"))
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"end_requester": "none"}, {"stated_reason": "counsel"}] {
		not end_requester.satisfied with input as also(words(["other_requester"]), [{"op": "add", "path": "/ruling", "value": ruling}])
	}
}

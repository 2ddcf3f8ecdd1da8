package sharing.affirmation_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.stranger
import data.facts.flawless_test.without
import data.sharing.affirmation

test_satisfied_by_the_flawless_request if affirmation.satisfied with input as request

test_not_satisfied_by_nothing if not affirmation.satisfied with input as {}

test_agency_affirmation_missing if not affirmation.satisfied with input as without("/agency/affirmation")

test_agency_affirmation_mistyped if not affirmation.satisfied with input as having("/agency/affirmation", 7)

test_agency_affirmation_mistyped_as_object if not affirmation.satisfied with input as having("/agency/affirmation", {"a": 1})

test_agency_affirmation_state_missing if not affirmation.satisfied with input as without("/agency/affirmation/state")

test_agency_affirmation_state_mistyped if not affirmation.satisfied with input as having("/agency/affirmation/state", 7)

test_agency_affirmation_state_mistyped_as_object if not affirmation.satisfied with input as having("/agency/affirmation/state", {"a": 1})

test_agency_affirmation_text_version_missing if not affirmation.satisfied with input as without("/agency/affirmation/text_version")

test_agency_affirmation_text_version_mistyped if not affirmation.satisfied with input as having("/agency/affirmation/text_version", 7)

test_agency_affirmation_text_version_mistyped_as_object if not affirmation.satisfied with input as having("/agency/affirmation/text_version", {"a": 1})

test_agency_affirmation_age_days_missing if not affirmation.satisfied with input as without("/agency/affirmation/age_days")

test_agency_affirmation_age_days_mistyped if not affirmation.satisfied with input as having("/agency/affirmation/age_days", "7")

test_agency_affirmation_age_days_mistyped_as_object if not affirmation.satisfied with input as having("/agency/affirmation/age_days", {"a": 1})

test_a_declaration_that_affirms_counts if affirmation.satisfied with input as changed([{"op": "add", "path": "/agency/affirmation/state", "value": "none"}, {"op": "add", "path": "/agency/declaration", "value": {"state": "in_force", "text_version": "2026-01", "age_days": 1}}])

test_signed_today if affirmation.satisfied with input as having("/agency/affirmation/age_days", 0)

test_the_last_day_of_its_age if affirmation.satisfied with input as having("/agency/affirmation/age_days", 730)

test_lapsed if not affirmation.satisfied with input as having("/agency/affirmation/state", "lapsed")

test_not_yet if not affirmation.satisfied with input as having("/agency/affirmation/state", "not_yet")

test_none if not affirmation.satisfied with input as having("/agency/affirmation/state", "none")

test_a_text_we_do_not_know if not affirmation.satisfied with input as having("/agency/affirmation/text_version", "1999-01")

test_the_day_after_its_age if not affirmation.satisfied with input as having("/agency/affirmation/age_days", 731)

test_signed_tomorrow if not affirmation.satisfied with input as having("/agency/affirmation/age_days", -1)

test_lapsed_declaration_does_not_affirm if not affirmation.satisfied with input as changed([{"op": "add", "path": "/agency/affirmation/state", "value": "none"}, {"op": "add", "path": "/agency/declaration", "value": {"state": "lapsed", "text_version": "2026-01", "age_days": 1}}])

test_a_declaration_that_does_not_affirm if {
	not affirmation.satisfied with input as having("/agency/affirmation/state", "none") with data.city.declaration_affirms as []
}

test_the_end_requester_has_affirmed if affirmation.satisfied with input as asked_for(neighbour)

test_the_end_requester_has_not_affirmed if {
	not affirmation.satisfied with input as asked_for(object.remove(neighbour, ["affirmation"]))
	not affirmation.satisfied with input as asked_for(object.union(neighbour, {"affirmation": {"state": "lapsed"}}))
}

test_a_stranger_is_refused_elsewhere if affirmation.satisfied with input as asked_for(stranger)

test_end_requester_missing if not affirmation.satisfied with input as without("/end_requester")

test_end_requester_mistyped if not affirmation.satisfied with input as having("/end_requester", 7)

test_end_requester_mistyped_as_object if not affirmation.satisfied with input as having("/end_requester", {"a": 1})

aged(days) := object.union(neighbour, {"affirmation": object.union(neighbour.affirmation, {"age_days": days})})

test_the_last_day_of_the_end_requesters_affirmation if {
	affirmation.satisfied with input as asked_for(aged(data.city.affirmation_max_age_days))
}

test_the_day_after_the_end_requesters_affirmation if {
	not affirmation.satisfied with input as asked_for(aged(data.city.affirmation_max_age_days + 1))
}

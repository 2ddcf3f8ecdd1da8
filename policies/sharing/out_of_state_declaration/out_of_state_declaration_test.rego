package sharing.out_of_state_declaration_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.stranger
import data.facts.flawless_test.without
import data.sharing.out_of_state_declaration

test_satisfied_by_the_flawless_request if out_of_state_declaration.satisfied with input as request

test_not_satisfied_by_nothing if not out_of_state_declaration.satisfied with input as {}

test_agency_missing if not out_of_state_declaration.satisfied with input as without("/agency")

test_agency_mistyped if not out_of_state_declaration.satisfied with input as having("/agency", 7)

test_agency_mistyped_as_object if not out_of_state_declaration.satisfied with input as having("/agency", {"a": 1})

test_agency_state_missing if not out_of_state_declaration.satisfied with input as without("/agency/state")

test_agency_state_mistyped if not out_of_state_declaration.satisfied with input as having("/agency/state", 7)

test_agency_state_mistyped_as_object if not out_of_state_declaration.satisfied with input as having("/agency/state", {"a": 1})

test_declared if out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}])

test_federal_body_has_no_state if out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency/kind", "value": "federal"}, {"op": "add", "path": "/agency/state", "value": null}])

test_the_last_day_of_its_age if out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration/age_days", "value": 730}])

test_undeclared if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration/state", "value": "none"}])

test_lapsed if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration/state", "value": "lapsed"}])

test_not_yet if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration/state", "value": "not_yet"}])

test_declaration_null if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration", "value": null}])

test_declaration_mistyped if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration", "value": "yes"}])

test_the_day_after_its_age if not out_of_state_declaration.satisfied with input as changed([{"op": "add", "path": "/agency", "value": away}, {"op": "add", "path": "/agency/declaration/age_days", "value": 731}])

test_state_unknown if not out_of_state_declaration.satisfied with input as having("/agency/state", null)

test_affirmation_is_no_declaration if not out_of_state_declaration.satisfied with input as having("/agency/state", "WI")

test_the_end_requester_has_declared if out_of_state_declaration.satisfied with input as asked_for(away)

test_the_end_requester_has_not_declared if {
	not out_of_state_declaration.satisfied with input as asked_for(object.remove(away, ["declaration"]))
	not out_of_state_declaration.satisfied with input as asked_for(object.union(neighbour, {"state": "TX"}))
}

test_a_stranger_is_refused_elsewhere if out_of_state_declaration.satisfied with input as asked_for(stranger)

test_end_requester_missing if not out_of_state_declaration.satisfied with input as without("/end_requester")

test_end_requester_mistyped if not out_of_state_declaration.satisfied with input as having("/end_requester", 7)

test_end_requester_mistyped_as_object if not out_of_state_declaration.satisfied with input as having("/end_requester", {"a": 1})

package sharing.agency_standing_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.stranger
import data.facts.flawless_test.without
import data.sharing.agency_standing

test_satisfied_by_the_flawless_request if agency_standing.satisfied with input as request

test_not_satisfied_by_nothing if not agency_standing.satisfied with input as {}

test_agency_missing if not agency_standing.satisfied with input as without("/agency")

test_agency_mistyped if not agency_standing.satisfied with input as having("/agency", 7)

test_agency_mistyped_as_object if not agency_standing.satisfied with input as having("/agency", {"a": 1})

test_agency_known_missing if not agency_standing.satisfied with input as without("/agency/known")

test_agency_known_mistyped if not agency_standing.satisfied with input as having("/agency/known", 7)

test_agency_known_mistyped_as_object if not agency_standing.satisfied with input as having("/agency/known", {"a": 1})

test_agency_status_missing if not agency_standing.satisfied with input as without("/agency/status")

test_agency_status_mistyped if not agency_standing.satisfied with input as having("/agency/status", 7)

test_agency_status_mistyped_as_object if not agency_standing.satisfied with input as having("/agency/status", {"a": 1})

test_agency_kind_missing if not agency_standing.satisfied with input as without("/agency/kind")

test_agency_kind_mistyped if not agency_standing.satisfied with input as having("/agency/kind", 7)

test_agency_kind_mistyped_as_object if not agency_standing.satisfied with input as having("/agency/kind", {"a": 1})

test_agency_id_missing if not agency_standing.satisfied with input as without("/agency/id")

test_agency_id_mistyped if not agency_standing.satisfied with input as having("/agency/id", 7)

test_agency_id_mistyped_as_object if not agency_standing.satisfied with input as having("/agency/id", {"a": 1})

test_unknown_agency if not agency_standing.satisfied with input as having("/agency", {"known": false, "id": null, "kind": null, "state": null, "status": null, "has_287g": null, "affirmation": null, "declaration": null})

test_suspended if not agency_standing.satisfied with input as having("/agency/status", "suspended")

test_closed if not agency_standing.satisfied with input as having("/agency/status", "closed")

test_private_company if not agency_standing.satisfied with input as having("/agency/kind", "private")

test_a_kind_nobody_listed if not agency_standing.satisfied with input as having("/agency/kind", "militia")

test_the_end_requester_stands if agency_standing.satisfied with input as asked_for(neighbour)

test_the_end_requester_does_not_stand if {
	not agency_standing.satisfied with input as asked_for(object.union(neighbour, {"status": "suspended"}))
	not agency_standing.satisfied with input as asked_for(object.union(neighbour, {"kind": "private"}))
}

test_a_stranger_is_refused_elsewhere if agency_standing.satisfied with input as asked_for(stranger)

test_end_requester_missing if not agency_standing.satisfied with input as without("/end_requester")

test_end_requester_mistyped if not agency_standing.satisfied with input as having("/end_requester", 7)

test_end_requester_mistyped_as_object if not agency_standing.satisfied with input as having("/end_requester", {"a": 1})

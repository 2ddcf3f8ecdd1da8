package sharing.agency_standing_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
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

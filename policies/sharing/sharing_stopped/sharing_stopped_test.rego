package sharing.sharing_stopped_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.sharing_stopped

test_satisfied_by_the_flawless_request if sharing_stopped.satisfied with input as request

test_not_satisfied_by_nothing if not sharing_stopped.satisfied with input as {}

test_stops_missing if not sharing_stopped.satisfied with input as without("/stops")

test_stops_mistyped if not sharing_stopped.satisfied with input as having("/stops", 7)

test_stops_mistyped_as_object if not sharing_stopped.satisfied with input as having("/stops", {"a": 1})

test_all if not sharing_stopped.satisfied with input as having("/stops", [{"scope": "all", "value": null}])

test_agency if not sharing_stopped.satisfied with input as having("/stops", [{"scope": "agency", "value": "evanston-pd"}])

test_null if not sharing_stopped.satisfied with input as having("/stops", null)

test_text if not sharing_stopped.satisfied with input as having("/stops", "")

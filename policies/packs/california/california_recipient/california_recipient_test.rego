package packs.california.california_recipient_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.california.california_recipient

test_not_satisfied_by_nothing if not california_recipient.satisfied with input as {}

own := having("/agency/state", "CA")

asked_by(kind, state) := changed([
	{"op": "add", "path": "/agency/kind", "value": kind},
	{"op": "add", "path": "/agency/state", "value": state},
])

asked_for(kind, state) := json.patch(own, [{
	"op": "add",
	"path": "/end_requester",
	"value": object.union(request.agency, {"kind": kind, "state": state}),
}])

test_an_agency_of_the_state if {
	california_recipient.satisfied with input as own
	california_recipient.satisfied with input as asked_by("state", "CA")
}

test_no_agency_of_another_state if {
	not california_recipient.satisfied with input as request
	not california_recipient.satisfied with input as asked_by("local", "NV")
}

test_no_other_kind_of_agency if {
	every kind in ["federal", "tribal", "fusion_center", "private"] {
		not california_recipient.satisfied with input as asked_by(kind, "CA")
	}
}

test_what_is_asked_for_another_reaches_the_other if {
	california_recipient.satisfied with input as asked_for("local", "CA")
	not california_recipient.satisfied with input as asked_for("local", "NV")
	not california_recipient.satisfied with input as asked_for("federal", null)
}

test_a_fact_that_is_missing if {
	every path in ["/agency", "/agency/kind", "/agency/state", "/end_requester"] {
		not california_recipient.satisfied with input as without(path)
		not california_recipient.satisfied with input as json.patch(own, [{"op": "remove", "path": path}])
	}
}

test_a_fact_of_another_type if {
	every path in ["/agency", "/agency/kind", "/agency/state", "/end_requester"] {
		every value in [7, "", {"a": 1}, [], true] {
			not california_recipient.satisfied with input as json.patch(own, [{"op": "add", "path": path, "value": value}])
		}
	}
}

package packs.virginia.virginia_recipient_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.virginia.virginia_recipient

test_not_satisfied_by_nothing if not virginia_recipient.satisfied with input as {}

own := having("/agency/state", "VA")

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
	virginia_recipient.satisfied with input as own
	virginia_recipient.satisfied with input as asked_by("state", "VA")
	virginia_recipient.satisfied with input as asked_by("fusion_center", "VA")
}

test_no_agency_of_another_state if {
	not virginia_recipient.satisfied with input as request
	not virginia_recipient.satisfied with input as asked_by("local", "MD")
}

test_no_other_kind_of_agency if {
	every kind in ["federal", "tribal", "private"] {
		not virginia_recipient.satisfied with input as asked_by(kind, "VA")
	}
}

test_what_is_asked_for_another_reaches_the_other if {
	virginia_recipient.satisfied with input as asked_for("local", "VA")
	not virginia_recipient.satisfied with input as asked_for("local", "MD")
	not virginia_recipient.satisfied with input as asked_for("federal", null)
}

test_a_fact_that_is_missing if {
	every path in ["/agency", "/agency/kind", "/agency/state", "/end_requester"] {
		not virginia_recipient.satisfied with input as without(path)
		not virginia_recipient.satisfied with input as json.patch(own, [{"op": "remove", "path": path}])
	}
}

test_a_fact_of_another_type if {
	every path in ["/agency", "/agency/kind", "/agency/state", "/end_requester"] {
		every value in [7, "", {"a": 1}, [], true] {
			not virginia_recipient.satisfied with input as json.patch(own, [{"op": "add", "path": path, "value": value}])
		}
	}
}

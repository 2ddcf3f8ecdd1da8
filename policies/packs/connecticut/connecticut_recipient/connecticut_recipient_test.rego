package packs.connecticut.connecticut_recipient_test

import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.connecticut.connecticut_recipient

test_not_satisfied_by_nothing if not connecticut_recipient.satisfied with input as {}

own := having("/agency/state", "CT")

visiting(state) := having("/agency", object.union(away, {"state": state}))

test_an_agency_of_the_state if connecticut_recipient.satisfied with input as own

test_three_states_that_agree if {
	every state in ["MA", "NY", "RI"] {
		connecticut_recipient.satisfied with input as visiting(state)
	}
}

test_no_fourth if {
	every state in ["NJ", "VT", "WI", null] {
		not connecticut_recipient.satisfied with input as visiting(state)
	}
	not connecticut_recipient.satisfied with input as request
}

test_not_without_their_agreement if {
	not connecticut_recipient.satisfied with input as having("/agency/state", "MA")
	not connecticut_recipient.satisfied with input as json.patch(visiting("MA"), [
		{"op": "replace", "path": "/agency/declaration/state", "value": "lapsed"},
	])
}

test_no_federal_agency if {
	not connecticut_recipient.satisfied with input as changed([
		{"op": "add", "path": "/agency/kind", "value": "federal"},
		{"op": "add", "path": "/agency/state", "value": null},
	])
	not connecticut_recipient.satisfied with input as json.patch(visiting("MA"), [
		{"op": "replace", "path": "/agency/kind", "value": "federal"},
	])
}

test_a_fact_that_is_missing_or_of_another_type if {
	every path in ["/agency", "/agency/kind", "/agency/state", "/end_requester"] {
		not connecticut_recipient.satisfied with input as without(path)
		not connecticut_recipient.satisfied with input as json.patch(own, [{"op": "remove", "path": path}])
		every value in [7, "", [], {"a": 1}] {
			not connecticut_recipient.satisfied with input as json.patch(own, [
				{"op": "add", "path": path, "value": value},
			])
		}
	}
}

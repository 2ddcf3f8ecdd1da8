package packs.vermont.vermont_recipient_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.request
import data.packs.vermont.vermont_recipient

test_not_satisfied_by_nothing if not vermont_recipient.satisfied with input as {}

city := object.union(data.city, {"named_recipients": {"vermont": ["repository"]}})

asked(by, for_whom) := changed([
	{"op": "add", "path": "/agency", "value": object.union(request.agency, by)},
	{"op": "add", "path": "/end_requester", "value": object.union(request.agency, for_whom)},
])

repository := {"id": "repository", "kind": "state", "state": "VT"}

barre := {"id": "barre-pd", "kind": "local", "state": "VT"}

test_through_the_repository if {
	vermont_recipient.satisfied with input as asked(repository, barre) with data.city as city
}

test_not_past_it if {
	itself := json.patch(request, [{"op": "add", "path": "/agency", "value": object.union(request.agency, barre)}])
	not vermont_recipient.satisfied with input as asked(barre, barre) with data.city as city
	not vermont_recipient.satisfied with input as itself with data.city as city
}

test_not_for_another_state if {
	elsewhere := {"id": "keene-pd", "state": "NH"}
	not vermont_recipient.satisfied with input as asked(repository, elsewhere) with data.city as city
	not vermont_recipient.satisfied with input as asked(repository, {"kind": "federal", "state": "VT"})
		with data.city as city
}

test_not_where_the_city_named_none if {
	not vermont_recipient.satisfied with input as asked(repository, barre)
}

test_a_fact_that_is_missing_or_of_another_type if {
	whole := asked(repository, barre)
	every path in ["/agency", "/agency/id", "/agency/state", "/end_requester", "/end_requester/kind"] {
		missing := json.patch(whole, [{"op": "remove", "path": path}])
		not vermont_recipient.satisfied with input as missing with data.city as city
		every value in [null, 7, "", [], {"a": 1}] {
			mistyped := json.patch(whole, [{"op": "add", "path": path, "value": value}])
			not vermont_recipient.satisfied with input as mistyped with data.city as city
		}
	}
}

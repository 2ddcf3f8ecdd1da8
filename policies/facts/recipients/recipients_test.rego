package facts.recipients_test

import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.recipients

public_agencies := {"recipient_rule": "public_agencies_of_the_state", "state": "CA"}

agencies := {"recipient_rule": "agencies_of_the_state", "state": "VA"}

listed := {
	"recipient_rule": "agencies_of_the_state_and_of_listed_states",
	"state": "CT",
	"recipient_states": ["MA", "NY"],
}

named := {"recipient_rule": "agencies_named_by_the_city", "state": "MN"}

repository := {"recipient_rule": "through_a_repository_named_by_the_city", "state": "VT"}

agency(kind, state) := object.union(request.agency, {"kind": kind, "state": state})

called(id, state) := object.union(request.agency, {"id": id, "state": state})

may_receive(kind, state, pack) if recipients.may_receive(agency(kind, state), pack, [])

for_another(asking, other) := changed([
	{"op": "add", "path": "/agency", "value": asking},
	{"op": "add", "path": "/end_requester", "value": other},
])

test_public_agencies_of_the_state if {
	may_receive("local", "CA", public_agencies)
	may_receive("state", "CA", public_agencies)
	not may_receive("local", "NV", public_agencies)
	not may_receive("fusion_center", "CA", public_agencies)
	not may_receive("tribal", "CA", public_agencies)
	not may_receive("federal", "CA", public_agencies)
	not may_receive("private", "CA", public_agencies)
}

test_agencies_of_the_state if {
	may_receive("local", "VA", agencies)
	may_receive("state", "VA", agencies)
	may_receive("fusion_center", "VA", agencies)
	not may_receive("local", "MD", agencies)
	not may_receive("federal", "VA", agencies)
	not may_receive("tribal", "VA", agencies)
	not may_receive("private", "VA", agencies)
}

test_agencies_of_listed_states_that_agreed if {
	may_receive("local", "CT", listed)
	not may_receive("local", "MA", listed)
	recipients.may_receive(object.union(away, {"state": "MA"}), listed, [])
	recipients.may_receive(object.union(away, {"state": "NY", "kind": "state"}), listed, [])
	not recipients.may_receive(object.union(away, {"state": "NJ"}), listed, [])
	not recipients.may_receive(object.union(away, {"state": "MA", "kind": "federal"}), listed, [])
	not recipients.may_receive(object.union(away, {"state": "MA"}), object.remove(listed, ["recipient_states"]), [])
}

test_a_lapsed_agreement_is_none if {
	lapsed := object.union(away, {"state": "MA", "declaration": {"state": "lapsed"}})
	not recipients.may_receive(lapsed, listed, [])
}

test_agencies_named_by_the_city if {
	recipients.may_receive(called("duluth-pd", "MN"), named, ["duluth-pd"])
	not recipients.may_receive(called("duluth-pd", "MN"), named, ["other-pd"])
	not recipients.may_receive(called("duluth-pd", "MN"), named, [])
	not recipients.may_receive(called("duluth-pd", "MN"), named, {})
	not recipients.may_receive(called("duluth-pd", "MN"), named, "duluth-pd")
	not recipients.may_receive(called(null, "MN"), named, [null])
	not recipients.may_receive(object.union(called("duluth-pd", "MN"), {"known": false}), named, ["duluth-pd"])
}

test_through_a_repository if {
	recipients.allowed(repository, ["hub"]) with input as for_another(called("hub", "VT"), called("barre-pd", "VT"))
	not recipients.allowed(repository, ["hub"]) with input as for_another(called("hub", "VT"), called("nh-pd", "NH"))
	not recipients.allowed(repository, ["hub"]) with input as for_another(called("hub", "NH"), called("barre-pd", "VT"))
	not recipients.allowed(repository, ["hub"]) with input as for_another(called("a", "VT"), called("barre-pd", "VT"))
	not recipients.allowed(repository, ["hub"]) with input as for_another(called("hub", "VT"), agency("federal", "VT"))
	not recipients.allowed(repository, ["hub"]) with input as having("/agency", called("hub", "VT"))
	not recipients.allowed(repository, []) with input as for_another(called("hub", "VT"), called("barre-pd", "VT"))
}

test_a_state_that_is_not_known if {
	not may_receive("local", null, agencies)
	not may_receive("local", 7, agencies)
	not may_receive("local", null, {"recipient_rule": "agencies_of_the_state", "state": null})
	not may_receive("local", null, {"recipient_rule": "agencies_of_the_state"})
	not recipients.may_receive({}, agencies, [])
	not recipients.may_receive("VA", agencies, [])
}

test_a_rule_that_is_not_written_allows_nobody if {
	every pack in [
		{"recipient_rule": "nobody", "state": "VA"}, {"recipient_rule": "anybody", "state": "VA"},
		{"state": "VA"}, {}, null,
	] {
		not may_receive("local", "VA", pack)
		not recipients.allowed(pack, ["evanston-pd"]) with input as having("/agency", agency("local", "VA"))
	}
}

test_both_receive_what_is_asked_for_another if {
	recipients.allowed(agencies, []) with input as having("/agency", agency("local", "VA"))
	recipients.allowed(agencies, []) with input as for_another(agency("local", "VA"), agency("state", "VA"))
	not recipients.allowed(agencies, []) with input as for_another(agency("local", "VA"), agency("federal", null))
	not recipients.allowed(agencies, []) with input as for_another(agency("local", "MD"), agency("local", "VA"))
	not recipients.allowed(agencies, []) with input as for_another(agency("local", "VA"), "VA")
	not recipients.allowed(agencies, []) with input as {"agency": agency("local", "VA")}
}

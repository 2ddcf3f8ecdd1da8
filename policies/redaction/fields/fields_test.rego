package redaction.fields_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.fields

test_a_local_agency_sees_the_image if "image_url" in fields.allowed with input as request

test_a_federal_body_does_not if not "image_url" in fields.allowed with input as having("/agency/kind", "federal")

test_one_who_asks_for_another_sees_what_both_may if {
	shown := fields.allowed with input as having("/end_requester", object.union(request.agency, {"kind": "federal"}))
	not "image_url" in shown
	"plate" in shown
}

test_a_kind_without_a_list_sees_nothing if {
	not fields.allowed with input as having("/agency/kind", "private")
	not fields.allowed with input as changed([
		{"op": "add", "path": "/agency/kind", "value": "private"},
		{"op": "add", "path": "/end_requester", "value": 7},
	])
}

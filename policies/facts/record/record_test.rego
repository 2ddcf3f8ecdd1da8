package facts.record_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.record

asked_for_another := having("/on_behalf_of", {"agency": "barre-pd", "component": null, "person": "Lee Example"})

test_a_flawless_request_gives_all_but_the_approval if {
	record.holds == {
		"at", "target", "cameras", "user", "organisation", "purpose", "factual_basis", "offense", "case_number",
	} with input as request
	record.holds == set() with input as {}
}

test_what_is_missing_or_says_nothing_is_not_held if {
	every path, field in {
		"/clock/date": "at",
		"/query/kind": "target",
		"/query/literal_characters": "target",
		"/query/cameras": "cameras",
		"/requester/name": "user",
		"/requester/badge": "user",
		"/agency/id": "organisation",
		"/agency/known": "organisation",
		"/purpose/category": "purpose",
		"/purpose/narrative": "factual_basis",
		"/purpose/offense": "offense",
		"/purpose/case_number": "case_number",
		"/words/case_number/plausible": "case_number",
	} {
		not field in record.holds with input as without(path)
		every worthless in ["", "  ", null, {}, []] {
			not field in record.holds with input as having(path, worthless)
		}
	}
}

test_a_crime_must_be_named if {
	not "factual_basis" in record.holds with input as having("/words/narrative/specific", false)
}

test_a_place_is_a_target_by_its_cameras if {
	"target" in record.holds with input as place(3)
	not "target" in record.holds with input as place(0)
	not "target" in record.holds with input as place("3")
}

test_no_letter_of_a_plate_is_no_target if {
	not "target" in record.holds with input as having("/query/literal_characters", 0)
	not "target" in record.holds with input as having("/query/literal_characters", "7")
}

test_a_missing_person_needs_no_offense if {
	missing := changed([
		{"op": "replace", "path": "/purpose/category", "value": "missing_or_endangered_person"},
		{"op": "replace", "path": "/purpose/offense", "value": null},
	])
	"offense" in record.holds with input as missing
	not "offense" in record.holds with input as having("/purpose/offense", null)
}

test_nobody_approves_his_own_request if {
	"approval" in record.holds with input as asked_for_another
	not "approval" in record.holds with input as json.patch(asked_for_another, [
		{"op": "replace", "path": "/on_behalf_of/person", "value": " Pat Example "},
	])
	not "approval" in record.holds with input as json.patch(asked_for_another, [
		{"op": "replace", "path": "/requester/name", "value": " "},
	])
	not "approval" in record.holds with input as request
}

test_every_field_of_the_list_is_needed if {
	record.every_field_of({"required_log_fields": ["at", "user"]}) with input as request
	not record.every_field_of({"required_log_fields": ["at", "user", "approval"]}) with input as request
	not record.every_field_of({"required_log_fields": ["at", "weather"]}) with input as request
}

test_a_list_that_asks_nothing_is_no_list if {
	not record.every_field_of({"required_log_fields": []}) with input as request
	not record.every_field_of({}) with input as request
}

place(cameras) := changed([
	{"op": "replace", "path": "/query/kind", "value": "place"},
	{"op": "replace", "path": "/query/cameras", "value": cameras},
])

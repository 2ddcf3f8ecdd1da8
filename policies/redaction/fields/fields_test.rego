package redaction.fields_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.redaction.fields

other := object.union(request.agency, {"kind": "federal"})

place := having("/query/kind", "place")

after_a_shooting := changed([
	{"op": "replace", "path": "/query/kind", "value": "place"},
	{"op": "replace", "path": "/purpose/offense", "value": "13A"},
])

settings(patch) := object.union(data.city.redaction, patch)

test_a_local_agency_sees_the_image_of_the_plate_it_asked_for if "image_url" in fields.shown with input as request

test_a_federal_body_sees_no_image if not "image_url" in fields.shown with input as having("/agency/kind", "federal")

test_a_stolen_car_needs_no_image if {
	not "image_url" in fields.shown with input as having("/purpose/category", "stolen_vehicle")
	"plate" in fields.shown with input as having("/purpose/category", "stolen_vehicle")
}

test_a_place_query_shows_no_image_even_of_a_violent_crime if {
	not "image_url" in fields.shown with input as after_a_shooting
	"plate" in fields.shown with input as after_a_shooting
}

test_masked_plates_are_absent_and_the_rest_is_there if {
	shown := fields.shown with input as place
	not "plate" in shown
	not "plate_state" in shown
	not "image_url" in shown
	"vehicle.color" in shown
	"camera.id" in shown
}

test_one_who_asks_for_another_sees_what_both_may if {
	shown := fields.shown with input as having("/end_requester", other)
	not "image_url" in shown
	"plate" in shown
}

test_what_either_list_withholds_is_withheld if {
	shown := fields.shown with input as request
		with data.city.redaction as settings({"withheld_by_purpose": {"criminal_investigation": ["plate", "camera.name"]}, "withheld_by_agency": {"local": ["plate", "id"]}})
	{"plate", "camera.name", "id"} & shown == set()
	"captured_at" in shown
}

test_all_withheld_is_nothing if {
	fields.shown == set() with input as request
		with data.city.redaction as settings({"withheld_by_agency": {"local": object.keys(data.city.redaction.fields)}})
}

test_a_kind_without_a_list_is_undefined if {
	not fields.shown with input as having("/agency/kind", "private")
	not fields.shown with input as having("/end_requester", object.union(other, {"kind": "private"}))
	not fields.shown with input as having("/query/kind", "convoy")
	not fields.shown with input as having("/purpose/category", "other")
}

test_a_list_that_is_none_is_undefined if {
	every part in ["fields", "withheld_by_purpose", "withheld_by_query", "withheld_by_agency"] {
		not fields.shown with input as request with data.city.redaction as object.remove(data.city.redaction, [part])
	}
}

test_a_party_missing_or_mistyped_is_undefined if {
	not fields.shown with input as without("/end_requester")
	not fields.shown with input as having("/end_requester", 7)
	not fields.shown with input as having("/end_requester", {})
	not fields.shown with input as having("/agency/kind", null)
	not fields.shown with input as having("/agency/kind", ["local"])
}

test_undefined_masking_shows_nothing if {
	not fields.shown with input as request with data.city.redaction as settings({"plates_needed": {"plate": {"criminal_investigation": "sometimes"}}})
	not fields.shown with input as place with data.city.redaction as object.remove(data.city.redaction, ["plates_shown_by"])
}

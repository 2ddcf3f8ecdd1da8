package redaction.plates_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.redaction.plates

at_a_place(category, offense) := changed([
	{"op": "replace", "path": "/query/kind", "value": "place"},
	{"op": "replace", "path": "/purpose/category", "value": category},
	{"op": "replace", "path": "/purpose/offense", "value": offense},
])

settings(patch) := object.union(data.city.redaction, patch)

test_a_plate_query_shows_the_plate_it_named if plates.masked == false with input as request

test_a_violent_crime_by_its_own_code_needs_the_plates if {
	every offense in ["09A", "100", "11A", "120", "13A"] {
		plates.masked == false with input as at_a_place("criminal_investigation", offense)
	}
	plates.masked == false with input as at_a_place("wanted_person", "09A")
	plates.masked == false with input as at_a_place("human_trafficking", "64A")
}

test_a_missing_person_may_be_in_any_car if {
	plates.masked == false with input as at_a_place("missing_or_endangered_person", null)
}

test_all_other_offenses_uncover_nobody if {
	plates.masked == true with input as at_a_place("criminal_investigation", "90Z")
	plates.masked == true with input as at_a_place("human_trafficking", "90Z")
}

test_a_theft_uncovers_nobody if {
	plates.masked == true with input as at_a_place("criminal_investigation", "23C")
	plates.masked == true with input as at_a_place("wanted_person", "240")
}

test_a_stolen_car_has_a_plate_to_ask_for if {
	plates.masked == true with input as at_a_place("stolen_vehicle", "240")
	plates.masked == true with input as at_a_place("stolen_vehicle", "120")
}

test_no_offense_is_not_a_violent_one if {
	plates.masked == true with input as at_a_place("criminal_investigation", null)
	plates.masked == true with input as at_a_place("criminal_investigation", ["13A"])
}

test_a_list_of_violence_that_is_none_masks if {
	request_at_a_place := at_a_place("criminal_investigation", "13A")
	plates.masked == true with input as request_at_a_place with data.city.redaction as settings({"violent_offenses": "13A"})
	plates.masked == true with input as request_at_a_place
		with data.city.redaction as object.remove(data.city.redaction, ["violent_offenses"])
}

test_a_purpose_or_kind_without_an_entry_is_undefined if {
	not plates.masked with input as at_a_place("other", "90Z")
	not plates.masked with input as having("/query/kind", "convoy")
	not plates.masked with input as without("/purpose/category")
	not plates.masked with input as having("/purpose/category", 7)
}

test_another_word_in_the_table_is_undefined if {
	every said in ["sometimes", true, false, null, 7] {
		not plates.masked with input as request
			with data.city.redaction as settings({"plates_needed": {"plate": {"criminal_investigation": said}}})
	}
}

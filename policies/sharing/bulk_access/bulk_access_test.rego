package sharing.bulk_access_test

import data.facts.flawless_test.asked_for
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.neighbour
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.bulk_access

test_satisfied_by_the_flawless_request if bulk_access.satisfied with input as request

test_not_satisfied_by_nothing if not bulk_access.satisfied with input as {}

place(classes) := changed([
	{"op": "replace", "path": "/query/kind", "value": "place"},
	{"op": "replace", "path": "/words/classes", "value": classes},
])

test_a_place_where_no_body_takes_part if bulk_access.satisfied with input as place([])

test_a_place_for_an_immigration_body if {
	not bulk_access.satisfied with input as place(["immigration_component"])
	not bulk_access.satisfied with input as place(["immigration_agency"])
}

test_one_plate_is_for_the_other_provisions_to_judge if bulk_access.satisfied with input as words(["immigration_agency"])

test_a_plate_with_letters_left_open if {
	not bulk_access.satisfied with input as json.patch(words(["immigration_component"]), [{"op": "replace", "path": "/query/wildcards", "value": 1}])
}

test_what_is_derived_from_reads if {
	every kind in ["vehicle", "convoy", "count", "alert", 7, null] {
		not bulk_access.satisfied with input as json.patch(words(["immigration_component"]), [{"op": "replace", "path": "/query/kind", "value": kind}])
	}
}

test_agency_missing if not bulk_access.satisfied with input as json.patch(without("/agency"), [{"op": "replace", "path": "/query/kind", "value": "place"}])

test_agency_mistyped if not bulk_access.satisfied with input as json.patch(having("/agency", 7), [{"op": "replace", "path": "/query/kind", "value": "place"}])

test_query_missing if {
	not bulk_access.satisfied with input as json.patch(words(["immigration_component"]), [{"op": "remove", "path": "/query"}])
	not bulk_access.satisfied with input as json.patch(words(["immigration_component"]), [{"op": "remove", "path": "/query/wildcards"}])
}

test_words_missing if not bulk_access.satisfied with input as json.patch(place([]), [{"op": "remove", "path": "/words"}])

test_words_mistyped if {
	not bulk_access.satisfied with input as place(7)
	not bulk_access.satisfied with input as place({"a": 1})
}

test_words_unread if {
	not bulk_access.satisfied with input as json.patch(place([]), [{"op": "replace", "path": "/words/reviewed", "value": false}])
}

test_a_listed_body if {
	not bulk_access.satisfied with input as place([]) with data.city.immigration_bodies as ["evanston-pd"]
	facts := json.patch(asked_for(neighbour), [{"op": "replace", "path": "/query/kind", "value": "place"}])
	bulk_access.satisfied with input as facts
	not bulk_access.satisfied with input as facts with data.city.immigration_bodies as ["cook-sheriff"]
}

test_the_list_missing if {
	not bulk_access.satisfied with input as place([]) with data.city.immigration_bodies as null
}

test_agency_without_an_id if {
	not bulk_access.satisfied with input as json.patch(having("/agency/id", null), [{"op": "replace", "path": "/query/kind", "value": "place"}])
}

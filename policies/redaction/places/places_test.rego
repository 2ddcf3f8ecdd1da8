package redaction.places_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.places

test_a_place_query_is_less_exact if {
	places.decimals == 5 with input as request
	places.decimals == 4 with input as having("/query/kind", "place")
}

test_a_kind_without_a_number_is_undefined if {
	not places.decimals with input as having("/query/kind", "convoy")
	not places.decimals with input as request with data.city.redaction.coordinate_decimals as {"plate": "5"}
	not places.decimals with input as request with data.city.redaction.coordinate_decimals as null
}

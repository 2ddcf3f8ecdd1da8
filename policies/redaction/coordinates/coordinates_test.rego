package redaction.coordinates_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.coordinates

test_a_plate if coordinates.decimals == 5 with input as request

test_a_place_is_less_exact if coordinates.decimals == 4 with input as having("/query/kind", "place")

test_undefined_for_an_unknown_kind if not coordinates.decimals with input as having("/query/kind", "convoy")

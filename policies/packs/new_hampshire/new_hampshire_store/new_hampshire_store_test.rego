package packs.new_hampshire.new_hampshire_store_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.packs.new_hampshire.new_hampshire_store

test_not_satisfied_by_nothing if not new_hampshire_store.satisfied with input as {}

test_the_flawless_request_is_denied if not new_hampshire_store.satisfied with input as request

test_so_is_an_agency_of_the_state if {
	not new_hampshire_store.satisfied with input as having("/agency/state", "NH")
}

test_it_says_no_and_is_not_undefined if new_hampshire_store.satisfied == false with input as request

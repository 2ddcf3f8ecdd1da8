package packs.new_jersey.new_jersey_record_test

import data.facts.flawless_test.request
import data.packs.new_jersey.new_jersey_record

test_not_satisfied_by_nothing if not new_jersey_record.satisfied with input as {}

whole := request

needed := [
	"/requester", "/requester/name", "/requester/badge", "/purpose/case_number",
	"/words/case_number/plausible",
]

test_a_request_that_gives_all_of_it if new_jersey_record.satisfied with input as whole

test_a_fact_that_is_missing if {
	every path in needed {
		not new_jersey_record.satisfied with input as json.patch(whole, [{"op": "remove", "path": path}])
	}
}

test_a_fact_that_says_nothing_or_is_of_another_type if {
	every path in needed {
		every value in ["", " ", null, {}, [], false] {
			not new_jersey_record.satisfied with input as json.patch(whole, [{"op": "add", "path": path, "value": value}])
		}
	}
}

test_without_a_list_nothing_is_whole if {
	not new_jersey_record.satisfied with input as whole with data.pack.new_jersey.required_log_fields as []
}

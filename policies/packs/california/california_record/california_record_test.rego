package packs.california.california_record_test

import data.facts.flawless_test.request
import data.packs.california.california_record

test_not_satisfied_by_nothing if not california_record.satisfied with input as {}

whole := request

needed := [
	"/clock", "/clock/date", "/query", "/query/kind", "/query/literal_characters", "/requester",
	"/requester/name", "/requester/badge", "/agency", "/agency/id", "/purpose", "/purpose/category",
	"/purpose/narrative",
]

test_a_request_that_gives_all_of_it if california_record.satisfied with input as whole

test_a_fact_that_is_missing if {
	every path in needed {
		not california_record.satisfied with input as json.patch(whole, [{"op": "remove", "path": path}])
	}
}

test_a_fact_that_says_nothing_or_is_of_another_type if {
	every path in needed {
		every value in ["", " ", null, {}, [], false] {
			not california_record.satisfied with input as json.patch(whole, [{"op": "add", "path": path, "value": value}])
		}
	}
}

test_without_a_list_nothing_is_whole if {
	not california_record.satisfied with input as whole with data.pack.california.required_log_fields as []
}

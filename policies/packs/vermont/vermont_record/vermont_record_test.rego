package packs.vermont.vermont_record_test

import data.facts.flawless_test.having
import data.packs.vermont.vermont_record

test_not_satisfied_by_nothing if not vermont_record.satisfied with input as {}

whole := having("/on_behalf_of", {"agency": "barre-pd", "component": null, "person": "Lee Example"})

needed := [
	"/requester", "/requester/name", "/requester/badge", "/purpose", "/purpose/category",
	"/purpose/narrative", "/on_behalf_of", "/on_behalf_of/person",
]

test_a_request_that_gives_all_of_it if vermont_record.satisfied with input as whole

test_a_fact_that_is_missing if {
	every path in needed {
		not vermont_record.satisfied with input as json.patch(whole, [{"op": "remove", "path": path}])
	}
}

test_a_fact_that_says_nothing_or_is_of_another_type if {
	every path in needed {
		every value in ["", " ", null, {}, [], false] {
			not vermont_record.satisfied with input as json.patch(whole, [{"op": "add", "path": path, "value": value}])
		}
	}
}

test_without_a_list_nothing_is_whole if {
	not vermont_record.satisfied with input as whole with data.pack.vermont.required_log_fields as []
}

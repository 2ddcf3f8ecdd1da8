package redaction.reads_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.redaction.reads

test_no_more_than_asked if reads.most == 100 with input as request

test_no_more_than_the_cap_of_the_kind if {
	reads.most == 500 with input as having("/query/limit", 9000)
	reads.most == 250 with input as json.patch(request, [
		{"op": "replace", "path": "/query/kind", "value": "place"},
		{"op": "replace", "path": "/query/limit", "value": 9000},
	])
}

test_undefined_without_a_limit_that_is_a_number if {
	not reads.most with input as without("/query/limit")
	not reads.most with input as having("/query/limit", "100")
	not reads.most with input as having("/query/limit", null)
}

test_undefined_without_a_cap_that_is_a_number if {
	not reads.most with input as having("/query/kind", "convoy")
	not reads.most with input as request with data.city.limits as {"plate": {"records": "500"}}
}

package redaction.records_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.records

test_no_more_than_asked if records.most == 100 with input as request

test_no_more_than_the_cap if records.most == 500 with input as having("/query/limit", 9000)

test_undefined_for_an_unknown_kind if not records.most with input as having("/query/kind", "convoy")

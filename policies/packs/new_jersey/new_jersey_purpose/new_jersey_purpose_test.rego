package packs.new_jersey.new_jersey_purpose_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.new_jersey.new_jersey_purpose

test_not_satisfied_by_nothing if not new_jersey_purpose.satisfied with input as {}

test_words_that_say_what_happened if new_jersey_purpose.satisfied with input as request

test_a_class_of_crimes_is_no_basis if {
	not new_jersey_purpose.satisfied with input as changed([
		{"op": "replace", "path": "/words/narrative/specific", "value": false},
		{"op": "replace", "path": "/words/narrative/offense_class", "value": true},
	])
}

test_words_that_were_not_read if not new_jersey_purpose.satisfied with input as having("/words/reviewed", false)

test_a_fact_that_is_missing_or_of_another_type if {
	every path in ["/purpose", "/purpose/narrative", "/words", "/words/reviewed", "/words/narrative/specific"] {
		not new_jersey_purpose.satisfied with input as without(path)
		every value in [7, null, [], {"a": 1}] {
			not new_jersey_purpose.satisfied with input as having(path, value)
		}
	}
}

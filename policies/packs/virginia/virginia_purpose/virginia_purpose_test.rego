package packs.virginia.virginia_purpose_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.virginia.virginia_purpose

test_not_satisfied_by_nothing if not virginia_purpose.satisfied with input as {}

test_a_crime_that_is_named if virginia_purpose.satisfied with input as request

test_the_other_categories if {
	every category in ["stolen_vehicle", "missing_or_endangered_person", "human_trafficking"] {
		virginia_purpose.satisfied with input as having("/purpose/category", category)
	}
}

test_a_wanted_person_is_for_alerts if {
	not virginia_purpose.satisfied with input as having("/purpose/category", "wanted_person")
}

test_no_other_category if {
	every category in ["other", "civil_immigration", "health_care", "", null, 7, {"a": 1}] {
		not virginia_purpose.satisfied with input as having("/purpose/category", category)
	}
}

test_no_crime_is_named if {
	not virginia_purpose.satisfied with input as having("/words/narrative/specific", false)
	not virginia_purpose.satisfied with input as having("/words/narrative/specific", "true")
	virginia_purpose.satisfied with input as changed([
		{"op": "replace", "path": "/words/narrative/specific", "value": false},
		{"op": "replace", "path": "/words/narrative/offense_class", "value": true},
	])
}

test_a_fact_that_is_missing if {
	every path in ["/purpose", "/purpose/category", "/words", "/words/narrative", "/words/narrative/specific"] {
		not virginia_purpose.satisfied with input as without(path)
	}
}

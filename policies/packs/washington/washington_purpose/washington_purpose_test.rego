package packs.washington.washington_purpose_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.without
import data.packs.washington.washington_purpose

test_not_satisfied_by_nothing if not washington_purpose.satisfied with input as {}

theft := having("/purpose/offense", "240")

missing := changed([
	{"op": "add", "path": "/purpose/category", "value": "missing_or_endangered_person"},
	{"op": "add", "path": "/purpose/offense", "value": null},
])

test_a_crime_by_its_own_code if {
	washington_purpose.satisfied with input as theft
	washington_purpose.satisfied with input as having("/purpose/offense", "90D")
}

test_no_code_that_may_stand_for_less if {
	every code in ["90B", "90C", "90E", "90G", "90J", "90Z"] {
		not washington_purpose.satisfied with input as having("/purpose/offense", code)
	}
}

test_a_missing_person_without_a_crime if washington_purpose.satisfied with input as missing

test_no_crime_for_another_category if {
	not washington_purpose.satisfied with input as json.patch(theft, [
		{"op": "replace", "path": "/purpose/offense", "value": null},
	])
}

test_no_other_category if {
	every category in ["wanted_person", "other", "civil_immigration", "health_care", "", null, 7, {"a": 1}] {
		not washington_purpose.satisfied with input as json.patch(theft, [
			{"op": "replace", "path": "/purpose/category", "value": category},
		])
	}
}

test_a_fact_that_is_missing_or_of_another_type if {
	not washington_purpose.satisfied with input as without("/purpose")
	not washington_purpose.satisfied with input as without("/purpose/offense")
	not washington_purpose.satisfied with input as json.patch(theft, [{"op": "remove", "path": "/purpose/category"}])
	every value in [7, true, [], {"a": 1}] {
		not washington_purpose.satisfied with input as having("/purpose/offense", value)
	}
}

test_without_the_list_no_code_is_serious if {
	not washington_purpose.satisfied with input as theft with data.pack.washington.closed_offenses as {}
}

package sharing.agreement_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.agreement

says(category, offense, means) := changed([
	{"op": "replace", "path": "/purpose/category", "value": category},
	{"op": "replace", "path": "/purpose/offense", "value": offense},
	{"op": "replace", "path": "/words/narrative/means", "value": means},
	{"op": "replace", "path": "/words/narrative/specific", "value": count(means) > 0},
])

names_a_class(offense, term) := changed([
	{"op": "replace", "path": "/purpose/offense", "value": offense},
	{"op": "replace", "path": "/words/narrative/means", "value": []},
	{"op": "replace", "path": "/words/narrative/specific", "value": false},
	{"op": "replace", "path": "/words/narrative/offense_class", "value": true},
	{"op": "replace", "path": "/words/matches", "value": [{"class": "crime_class", "term": term, "field": "narrative", "start": 0, "end": 4}]},
])

test_satisfied_by_the_flawless_request if agreement.satisfied with input as request

test_not_satisfied_by_nothing if not agreement.satisfied with input as {}

test_words_missing if not agreement.satisfied with input as without("/words")

test_words_mistyped if not agreement.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not agreement.satisfied with input as having("/words", {"a": 1})

test_narrative_missing if not agreement.satisfied with input as without("/words/narrative")

test_narrative_mistyped if not agreement.satisfied with input as having("/words/narrative", 7)

test_narrative_mistyped_as_object if not agreement.satisfied with input as having("/words/narrative", {"a": 1})

test_means_missing if not agreement.satisfied with input as without("/words/narrative/means")

test_means_mistyped if not agreement.satisfied with input as having("/words/narrative/means", 7)

test_means_mistyped_as_object if not agreement.satisfied with input as having("/words/narrative/means", {"a": 1})

test_purpose_missing if not agreement.satisfied with input as without("/purpose")

test_purpose_mistyped if not agreement.satisfied with input as having("/purpose", 7)

test_purpose_mistyped_as_object if not agreement.satisfied with input as having("/purpose", {"a": 1})

test_category_missing if not agreement.satisfied with input as without("/purpose/category")

test_category_mistyped if not agreement.satisfied with input as having("/purpose/category", 7)

test_category_mistyped_as_object if not agreement.satisfied with input as having("/purpose/category", {"a": 1})

test_a_stolen_vehicle_that_code_and_words_bear_out if {
	agreement.satisfied with input as says("stolen_vehicle", "240", ["vehicle_theft"])
}

test_offense_missing if not agreement.satisfied with input as without("/purpose/offense")

test_offense_mistyped if not agreement.satisfied with input as having("/purpose/offense", 7)

test_a_code_that_agrees if agreement.satisfied with input as says("criminal_investigation", "240", ["vehicle_theft"])

test_a_code_at_odds_with_the_words if {
	not agreement.satisfied with input as says("criminal_investigation", "09A", ["theft"])
	not agreement.satisfied with input as says("criminal_investigation", "23C", ["kidnapping"])
	agreement.category_agrees_with_offense_and_words with input as says("criminal_investigation", "09A", ["theft"])
}

test_a_category_at_odds_with_the_code if {
	said := says("stolen_vehicle", "09A", ["vehicle_theft", "homicide"])
	not agreement.satisfied with input as said
	agreement.words_agree_with_offense with input as said
	agreement.words_agree_with_category with input as said
}

test_a_category_that_the_words_do_not_bear_out if {
	said := says("human_trafficking", "90Z", ["theft"])
	not agreement.satisfied with input as said
	agreement.words_agree_with_offense with input as said
	agreement.offense_agrees_with_category with input as said
}

test_all_other_offenses_agree_with_any_words if {
	every meaning in ["homicide", "theft", "drugs", "driving"] {
		agreement.satisfied with input as says("criminal_investigation", "90Z", [meaning])
	}
}

test_a_wanted_person_may_be_wanted_for_anything if {
	every offense in ["90Z", "49A", "90K", "09A", "23C"] {
		agreement.satisfied with input as says("wanted_person", offense, ["wanted_person"])
	}
}

test_a_missing_person_without_a_code_or_with_one_that_fits if {
	agreement.satisfied with input as says("missing_or_endangered_person", null, ["missing_person"])
	agreement.satisfied with input as says("missing_or_endangered_person", "100", ["kidnapping"])
	not agreement.satisfied with input as says("missing_or_endangered_person", "23C", ["missing_person", "theft"])
	not agreement.satisfied with input as says("missing_or_endangered_person", null, ["theft"])
}

test_no_code_that_exists if {
	every offense in [null, "", "99Z"] {
		not agreement.satisfied with input as says("criminal_investigation", offense, ["theft"])
	}
}

test_codes_of_immigration_agree_with_nothing if {
	every offense in ["30A", "30B", "30C", "30D", "49C"] {
		not agreement.satisfied with input as says("criminal_investigation", offense, ["theft", "wanted_person"])
	}
}

test_words_that_say_nothing_contradict_nothing if {
	agreement.satisfied with input as says("criminal_investigation", "240", [])
	agreement.satisfied with input as says("stolen_vehicle", "240", [])
	not agreement.satisfied with input as says("other", "90Z", [])
}

test_words_that_say_something_and_do_not_say_what_agree_with_nothing if {
	not agreement.satisfied with input as json.patch(says("stolen_vehicle", "240", []), [{"op": "replace", "path": "/words/narrative/specific", "value": true}])
}

test_a_class_of_crime_that_fits_the_code if {
	agreement.satisfied with input as names_a_class("240", "property crime")
	agreement.satisfied with input as names_a_class("13A", "violent crime")
	agreement.satisfied with input as names_a_class("120", "violent crime")
	agreement.satisfied with input as names_a_class("90Z", "property crime")
}

test_a_class_of_crime_at_odds_with_the_code if {
	not agreement.satisfied with input as names_a_class("09A", "property crime")
	not agreement.satisfied with input as names_a_class("240", "person crime")
	not agreement.satisfied with input as names_a_class("240", "a term that is not listed")
}

test_a_class_of_crime_bears_out_no_category if {
	said := names_a_class("240", "property crime")
	not agreement.satisfied with input as json.patch(said, [{"op": "replace", "path": "/purpose/category", "value": "stolen_vehicle"}])
}

test_an_unknown_category if not agreement.satisfied with input as having("/purpose/category", "other")

test_settings_that_are_gone_agree_with_nothing if {
	stolen := says("stolen_vehicle", "240", ["vehicle_theft"])
	every part in ["purposes_offenses", "purposes_to_be_borne_out"] {
		not agreement.satisfied with input as stolen with data.city as object.remove(data.city, [part])
	}
	not agreement.satisfied with input as request with data.city as object.remove(data.city, ["purposes_taken_at_their_word"])
}

with_ruling(ruling) := json.patch(says("stolen_vehicle", "09A", ["vehicle_theft"]), [{"op": "add", "path": "/ruling", "value": ruling}])

test_staff_or_counsel_may_rule if {
	agreement.satisfied with input as with_ruling({"agreement": "staff"})
	agreement.satisfied with input as with_ruling({"agreement": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"agreement": "none"}, {"agreement": true}, {"stated_reason": "staff"}, {"provision": "agreement"}] {
		not agreement.satisfied with input as with_ruling(ruling)
	}
}

test_ruling_missing if agreement.satisfied with input as without("/ruling")

added(offense, means) := changed([
	{"op": "replace", "path": "/purpose/offense", "value": offense},
	{"op": "replace", "path": "/words/narrative/added_means", "value": means},
])

test_added_words_that_fit if agreement.satisfied with input as added("240", ["vehicle_theft"])

test_added_words_that_fit_beside_others if agreement.satisfied with input as added("240", ["homicide", "vehicle_theft"])

test_added_words_of_another_crime if not agreement.satisfied with input as added("240", ["homicide"])

test_added_words_support_nothing if {
	homicide := json.patch(added("240", ["vehicle_theft"]), [{"op": "replace", "path": "/words/narrative/means", "value": ["homicide"]}])
	not agreement.satisfied with input as homicide
}

test_added_words_of_another_purpose if {
	stolen := {"op": "replace", "path": "/purpose/category", "value": "stolen_vehicle"}
	agreement.satisfied with input as json.patch(added("90Z", ["vehicle_theft"]), [stolen])
	not agreement.satisfied with input as json.patch(added("90Z", ["homicide"]), [stolen])
}

test_added_words_of_a_missing_person if {
	missing := [
		{"op": "replace", "path": "/purpose/category", "value": "missing_or_endangered_person"},
		{"op": "replace", "path": "/words/narrative/means", "value": ["missing_person"]},
	]
	agreement.satisfied with input as json.patch(added(null, ["missing_person"]), missing)
	not agreement.satisfied with input as json.patch(added(null, ["homicide"]), missing)
}

test_added_words_missing_or_no_list if {
	not agreement.satisfied with input as without("/words/narrative/added_means")
	not agreement.satisfied with input as having("/words/narrative/added_means", "none")
}

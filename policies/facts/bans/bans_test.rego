package facts.bans_test

import data.facts.bans
import data.facts.flawless_test.away
import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without

texan := object.union(away, {"id": "sample-tx-pd", "state": "TX"})

charged(agency, offense, means) := changed([
	{"op": "replace", "path": "/agency", "value": agency},
	{"op": "replace", "path": "/purpose/offense", "value": offense},
	{"op": "replace", "path": "/words/narrative/means", "value": means},
])

test_a_death_at_home_is_none if bans.no_pretext with input as charged(request.agency, "09A", ["homicide"])

test_a_theft_from_there_is_none if bans.no_pretext with input as charged(texan, "240", ["vehicle_theft"])

test_a_death_from_where_nothing_is_banned_is_none if bans.no_pretext with input as charged(away, "09A", ["homicide"])

test_a_death_by_code if not bans.no_pretext with input as charged(texan, "09B", ["theft"])

test_a_death_by_words_beside_another_code if not bans.no_pretext with input as charged(texan, "90Z", ["homicide", "theft"])

test_a_child_that_was_taken if not bans.no_pretext with input as charged(texan, "100", ["kidnapping"])

test_a_family_offense_where_only_the_care_of_the_young_is_banned if {
	not bans.no_pretext with input as charged(object.union(texan, {"state": "MT"}), "90F", ["family"])
	bans.no_pretext with input as charged(object.union(texan, {"state": "MT"}), "09A", ["homicide"])
}

test_the_one_asked_for_and_the_statute_count_too if {
	death := {"op": "replace", "path": "/purpose/offense", "value": "09A"}
	not bans.no_pretext with input as changed([death, {"op": "add", "path": "/end_requester", "value": texan}])
	bans.no_pretext with input as changed([death, {"op": "add", "path": "/end_requester", "value": away}])
	not bans.no_pretext with input as changed([death, {"op": "add", "path": "/purpose/statute_state", "value": "TX"}])
	bans.no_pretext with input as changed([death, {"op": "add", "path": "/purpose/statute_state", "value": "IL"}])
}

test_a_federal_body_has_no_state if {
	federal := object.union(away, {"kind": "federal", "state": null})
	bans.no_pretext with input as charged(federal, "09A", ["homicide"])
}

test_what_is_not_said_is_not_proved if {
	from_texas := charged(texan, "240", ["vehicle_theft"])
	every path in ["/agency/state", "/purpose/statute_state", "/end_requester", "/words/narrative/means"] {
		not bans.no_pretext with input as json.patch(from_texas, [{"op": "remove", "path": path}])
	}
	not bans.no_pretext with input as having("/agency/state", ["TX"])
	not bans.no_pretext with input as without("/agency")
}

test_no_list_is_said_at_home_too if {
	bans.listed
	not bans.listed with data.restrictive_laws.bans as {}
	not bans.listed with data.restrictive_laws as null
}

test_no_list_is_not_an_empty_one if {
	from_wisconsin := charged(away, "240", ["vehicle_theft"])
	not bans.no_pretext with input as from_wisconsin with data.restrictive_laws as null
	not bans.no_pretext with input as from_wisconsin with data.restrictive_laws.bans as {}
}

test_a_death_that_an_appeal_took_back_or_added if {
	from_texas := charged(texan, "240", ["vehicle_theft"])
	bans.no_pretext with input as from_texas
	earlier := {"op": "add", "path": "/purpose/earlier_offenses", "value": ["09A"]}
	not bans.no_pretext with input as json.patch(from_texas, [earlier])
	added := {"op": "add", "path": "/words/narrative/added_means", "value": ["homicide"]}
	not bans.no_pretext with input as json.patch(from_texas, [added])
}

test_what_appeals_added_is_known if {
	from_texas := charged(texan, "240", ["vehicle_theft"])
	every path in ["/purpose/earlier_offenses", "/words/narrative/added_means"] {
		not bans.no_pretext with input as json.patch(from_texas, [{"op": "remove", "path": path}])
		not bans.no_pretext with input as json.patch(from_texas, [{"op": "replace", "path": path, "value": "none"}])
	}
}

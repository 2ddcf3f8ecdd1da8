package packs.minnesota.minnesota_tracking_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.minnesota.minnesota_tracking

test_not_satisfied_by_nothing if not minnesota_tracking.satisfied with input as {}

warrant := {
	"kind": "search_warrant",
	"form_numbers": [],
	"earlier_kinds": [],
	"court": "District Court",
	"judge": "Judge Example",
	"number": "27-CR-1",
	"statute": "Minn. Stat. § 609.52",
	"verified": true,
}

test_a_day_is_no_tracking if minnesota_tracking.satisfied with input as having("/query/window_hours", 24)

test_more_than_a_day_is if {
	not minnesota_tracking.satisfied with input as having("/query/window_hours", 25)
	not minnesota_tracking.satisfied with input as request
}

test_a_verified_warrant_allows_it if {
	minnesota_tracking.satisfied with input as having("/legal_process", warrant)
	every paper in [object.union(warrant, {"verified": false}), object.union(warrant, {"judge": ""}), {}, "warrant"] {
		not minnesota_tracking.satisfied with input as having("/legal_process", paper)
	}
}

test_a_person_in_danger_allows_it if {
	minnesota_tracking.satisfied with input as having("/purpose/category", "missing_or_endangered_person")
	not minnesota_tracking.satisfied with input as having("/purpose/category", "wanted_person")
}

test_a_place_follows_nobody if minnesota_tracking.satisfied with input as having("/query/kind", "place")

test_a_fact_that_is_missing_or_of_another_type if {
	every path in ["/query", "/query/kind", "/query/window_hours"] {
		short := having("/query/window_hours", 24)
		not minnesota_tracking.satisfied with input as json.patch(short, [{"op": "remove", "path": path}])
		every value in [null, [], {"a": 1}, true] {
			not minnesota_tracking.satisfied with input as json.patch(short, [
				{"op": "add", "path": path, "value": value},
			])
		}
	}
	not minnesota_tracking.satisfied with input as having("/query/window_hours", "24")
	not minnesota_tracking.satisfied with input as without("/legal_process")
}

test_without_a_limit_all_is_tracking if {
	law := object.remove(data.pack.minnesota, ["untracked_hours"])
	not minnesota_tracking.satisfied with input as having("/query/window_hours", 1) with data.pack.minnesota as law
}

package redaction.release_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.redaction.release

test_a_local_agency_sees_the_image if "image_url" in release.owed.fields with input as request

test_a_federal_body_does_not if not "image_url" in release.owed.fields with input as having("/agency/kind", "federal")

test_one_who_asks_for_another_sees_what_both_may if {
	other := object.union(request.agency, {"kind": "federal"})
	shown := release.owed.fields with input as having("/end_requester", other)
	not "image_url" in shown
	"plate" in shown
}

test_a_kind_without_a_list_is_owed_nothing if {
	not release.owed with input as having("/agency/kind", "private")
	not release.owed with input as changed([
		{"op": "add", "path": "/agency/kind", "value": "private"},
		{"op": "add", "path": "/end_requester", "value": 7},
	])
}

test_no_more_than_asked if release.owed.max_records == 100 with input as request

test_no_more_than_the_cap if release.owed.max_records == 500 with input as having("/query/limit", 9000)

test_no_further_back_than_kept if release.owed.retention_days == data.city.reads_kept_days with input as request

test_the_shortest_time_of_the_city_and_its_packs_counts if {
	release.owed.retention_days == 21 with input as request with data.city.packs as ["virginia"]
	release.owed.retention_days == 7 with input as request
		with data.city.packs as ["virginia"]
		with data.city.reads_kept_days as 7
}

test_a_place_is_less_exact if {
	release.owed.coordinate_decimals == 5 with input as request
	release.owed.coordinate_decimals == 4 with input as having("/query/kind", "place")
}

test_a_setting_can_mask if {
	release.owed.mask_other_plates == false with input as request
	masked := object.union(data.city.redaction, {"mask_other_plates": {"plate": true}})
	release.owed.mask_other_plates == true with input as request with data.city.redaction as masked
}

test_the_terms_are_named if release.owed.terms == "2026-01" with input as request

test_undefined_for_an_unknown_kind if not release.owed with input as having("/query/kind", "convoy")

test_undefined_without_a_limit if not release.owed with input as without("/query/limit")

test_undefined_without_terms if {
	not release.owed with input as request with data.city.redaction as object.remove(data.city.redaction, ["terms"])
}

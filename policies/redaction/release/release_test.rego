package redaction.release_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.release

test_every_obligation_is_named if {
	object.keys(release.owed) == {
		"fields",
		"max_records",
		"retention_days",
		"coordinate_decimals",
		"mask_other_plates",
		"terms",
	} with input as request
}

test_undefined_for_an_unknown_kind if not release.owed with input as having("/query/kind", "convoy")

test_undefined_without_any_of_its_settings if {
	every part in object.keys(data.city.redaction) - {"violent_offenses", "plates_shown_by"} {
		not release.owed with input as request with data.city.redaction as object.remove(data.city.redaction, [part])
	}
}

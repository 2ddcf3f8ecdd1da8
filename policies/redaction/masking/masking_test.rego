package redaction.masking_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.redaction.masking

test_a_plate if masking.other_plates == false with input as request

test_a_setting_can_mask if {
	masking.other_plates == true with input as request with data.city.redaction.mask_other_plates as {"plate": true}
}

test_undefined_for_an_unknown_kind if {
	unknown := having("/query/kind", "convoy")
	count([answer | answer := masking.other_plates with input as unknown]) == 0
}

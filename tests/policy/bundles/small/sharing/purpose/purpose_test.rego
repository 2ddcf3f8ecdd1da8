package sharing.purpose_test

import data.sharing.purpose

test_listed if purpose.satisfied with input as {"purpose": {"category": "stolen_vehicle", "narrative": "n"}}

test_unlisted if not purpose.satisfied with input as {"purpose": {"category": "other", "narrative": "n"}}

test_ruling if {
	purpose.satisfied with input as {
		"purpose": {"category": "other", "narrative": "n"},
		"ruling": {"purpose": "staff"},
	}
}

package checks.packs_test

import data.checks.packs

good := {
	"packs": {"virginia": {
		"required_log_fields": [],
		"recipient_rule": "agencies_of_the_state",
		"certainty": {"recipient_rule": "reported", "required_log_fields": "verified"},
		"verified_on": null,
		"verified_by": null,
	}},
	"provisions": [
		{"code": "affirmation", "pack": null, "verified": true},
		{
			"code": "virginia_recipient",
			"pack": "virginia",
			"verified": false,
			"citation": "As reported; to be confirmed by the city's attorney",
			"description": "The city's attorney must confirm this.",
			"message": "As reported, to be confirmed by the city's attorney.",
		},
	],
}

changed(path, value) := json.patch(good, [{"op": "add", "path": path, "value": value}])

test_good_packs_have_no_fault if packs.faults == set() with input as good

test_a_provision_that_applies_no_field_is_free if {
	fee := object.union(good.provisions[1], {"code": "virginia_fee", "message": "A fee.", "verified": true})
	packs.faults == set() with input as changed("/provisions/-", fee)
}

test_what_was_not_compared_is_not_verified if {
	"virginia_recipient: verified does not agree with certainty.recipient_rule of its pack" in packs.faults with input as changed(
		"/provisions/1/verified",
		true,
	)
}

test_what_was_compared_is if {
	count(packs.faults) == 1 with input as changed("/packs/virginia/certainty/recipient_rule", "verified")
}

test_what_was_not_compared_names_the_attorney if {
	every field in ["citation", "description", "message"] {
		packs.faults == {concat("", ["virginia_recipient: ", field, " does not say that the attorney must confirm it"])} with input as changed(
			concat("/", ["/provisions/1", field]),
			"The law.",
		)
	}
}

test_log_fields_are_asked_for if {
	packs.faults == {"virginia: required_log_fields has no provision that asks for them"} with input as changed(
		"/packs/virginia/required_log_fields",
		["at"],
	)
	record := object.union(good.provisions[1], {"code": "virginia_record", "verified": true})
	packs.faults == set() with input as json.patch(good, [
		{"op": "add", "path": "/packs/virginia/required_log_fields", "value": ["at"]},
		{"op": "add", "path": "/provisions/-", "value": record},
	])
}

test_the_rule_on_recipients_is_applied if {
	packs.faults == {"virginia: recipient_rule has no provision that applies it"} with input as changed(
		"/provisions",
		[],
	)
	packs.faults == set() with input as json.patch(good, [
		{"op": "add", "path": "/provisions", "value": []},
		{"op": "add", "path": "/packs/virginia/recipient_rule", "value": "as_binding_every_city"},
	])
}

test_nobody_confirms_without_a_day if {
	every field in ["verified_on", "verified_by"] {
		count(packs.faults) == 1 with input as changed(concat("/", ["/packs/virginia", field]), "2026-01-01")
	}
}

package checks.catalogue_test

import data.checks.catalogue

good := {
	"in_force": ["affirmation"],
	"tests": ["sharing/affirmation/affirmation_test.rego"],
	"provisions": [{
		"code": "affirmation",
		"pack": null,
		"title": "A title",
		"description": "What it is.",
		"rules": ["EV-2"],
		"citation": "Title 1",
		"verified": false,
		"public": true,
		"effective_on": "2025-01-13",
		"message": "What was not met.",
		"remedy": "Send it.",
		"review": "staff",
		"two_people": false,
		"related_resources": [],
		"path": "sharing/affirmation/affirmation.rego",
	}],
}

changed(field, value) := json.patch(good, [{"op": "add", "path": concat("", ["/provisions/0/", field]), "value": value}])

test_a_good_catalogue_has_no_fault if catalogue.faults == set() with input as good

test_an_empty_catalogue_is_a_fault if {
	"the catalogue holds no provisions" in catalogue.faults with input as {"provisions": []}
	"the catalogue holds no provisions" in catalogue.faults with input as {}
}

test_each_text_is_needed if {
	every field in catalogue.texts {
		count(catalogue.faults) == 1 with input as changed(field, " ")
		count(catalogue.faults) == 1 with input as json.patch(good, [{"op": "replace", "path": concat("", ["/provisions/0/", field]), "value": null}])
	}
}

test_review_is_one_of_three if count(catalogue.faults) == 1 with input as changed("review", "maybe")

test_flags_are_flags if {
	count(catalogue.faults) == 1 with input as changed("verified", "false")
	count(catalogue.faults) == 1 with input as changed("public", null)
	count(catalogue.faults) == 1 with input as changed("two_people", "yes")
}

test_two_people_rule_only_where_one_may if {
	catalogue.faults == set() with input as changed("two_people", true)
	"affirmation: asks for two people, and nobody may rule on it" in catalogue.faults with input as json.patch(good, [
		{"op": "add", "path": "/provisions/0/two_people", "value": true},
		{"op": "add", "path": "/provisions/0/review", "value": "none"},
	])
}

test_rules_are_named if {
	count(catalogue.faults) == 1 with input as changed("rules", [])
	count(catalogue.faults) == 1 with input as changed("rules", ["the law"])
	count(catalogue.faults) == 1 with input as changed("rules", "IL-1")
}

test_a_day_must_exist if {
	count(catalogue.faults) == 1 with input as changed("effective_on", "soon")
	count(catalogue.faults) == 1 with input as changed("effective_on", 20250113)
}

test_a_reviewed_provision_can_be_cured if count(catalogue.faults) == 1 with input as changed("remedy", "None.")

test_a_provision_stands_in_its_own_directory if {
	count(catalogue.faults) == 1 with input as changed("path", "sharing/other/affirmation.rego")
}

test_a_provision_has_a_test if count(catalogue.faults) == 1 with input as object.union(good, {"tests": []})

test_what_is_in_force_is_stated if {
	catalogue.faults == {"attestation: is in force, and the catalogue does not state it"} with input as object.union(
		good,
		{"in_force": ["affirmation", "attestation"]},
	)
}

test_what_a_pack_adds_stands_with_the_pack if {
	of_a_pack := json.patch(good, [{"op": "add", "path": "/provisions/0/pack", "value": "evanston"}])
	count(catalogue.faults) == 2 with input as of_a_pack
	catalogue.faults == set() with input as json.patch(of_a_pack, [
		{"op": "add", "path": "/provisions/0/path", "value": "packs/evanston/affirmation/affirmation.rego"},
		{"op": "add", "path": "/tests", "value": ["packs/evanston/affirmation/affirmation_test.rego"]},
	])
}

test_no_provision_twice if {
	"a provision is named twice" in catalogue.faults with input as object.union(good, {
		"provisions": [good.provisions[0], good.provisions[0]],
	})
}

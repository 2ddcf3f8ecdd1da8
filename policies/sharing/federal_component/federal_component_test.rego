package sharing.federal_component_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.federal_component

test_satisfied_by_the_flawless_request if federal_component.satisfied with input as request

test_not_satisfied_by_nothing if not federal_component.satisfied with input as {}

test_words_missing if not federal_component.satisfied with input as without("/words")

test_words_mistyped if not federal_component.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not federal_component.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not federal_component.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not federal_component.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not federal_component.satisfied with input as having("/words/classes", {"a": 1})

test_agency_id_missing if not federal_component.satisfied with input as without("/agency/id")

test_agency_id_mistyped if not federal_component.satisfied with input as having("/agency/id", 7)

test_agency_id_mistyped_as_object if not federal_component.satisfied with input as having("/agency/id", {"a": 1})

test_end_requester_missing if not federal_component.satisfied with input as without("/end_requester")

test_end_requester_mistyped if not federal_component.satisfied with input as having("/end_requester", 7)

test_end_requester_mistyped_as_object if not federal_component.satisfied with input as having("/end_requester", {"a": 1})

test_verified_criminal_process if federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_an_end_requester_not_listed if federal_component.satisfied with input as having("/end_requester", {"known": true, "id": "cook-sheriff", "kind": "local", "state": "IL", "status": "active", "has_287g": false, "affirmation": {"state": "in_force", "text_version": "2026-01", "age_days": 30}, "declaration": {"state": "none", "text_version": null, "age_days": null}})

test_component if not federal_component.satisfied with input as words(["immigration_component"])

test_ice if not federal_component.satisfied with input as words(["immigration_agency"])

test_unverified_process if not federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": false}}])

test_verification_missing if not federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01"}}])

test_verified_but_no_crime if not federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/words/narrative/specific", "value": false}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_verified_subpoena if not federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "subpoena", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_verified_without_a_court if not federal_component.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_component"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": null, "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_end_requester_without_an_id if not federal_component.satisfied with input as having("/end_requester", {"known": false, "id": null, "kind": null, "state": null, "status": null, "has_287g": null, "affirmation": null, "declaration": null})

test_a_listed_body if not federal_component.satisfied with input as request
	with data.city.immigration_bodies as ["evanston-pd"]

test_a_listed_end_requester if {
	not federal_component.satisfied with input as having("/end_requester", object.union(request.agency, {"id": "hsi"}))
		with data.city.immigration_bodies as ["hsi"]
}

test_the_list_missing if not federal_component.satisfied with input as request with data.city.immigration_bodies as null

with_ruling(ruling) := changed([
	{"op": "add", "path": "/words/classes", "value": ["immigration_component"]},
	{"op": "add", "path": "/ruling", "value": ruling},
])

test_staff_or_counsel_may_rule if {
	federal_component.satisfied with input as with_ruling({"federal_component": "staff"})
	federal_component.satisfied with input as with_ruling({"federal_component": "counsel"})
}

test_no_other_ruling_helps if {
	every ruling in [null, 7, {}, {"federal_component": "none"}, {"federal_component": true}, {"restrictive_law": "counsel"}, {"provision": "federal_component"}] {
		not federal_component.satisfied with input as with_ruling(ruling)
	}
}

test_ruling_missing if federal_component.satisfied with input as without("/ruling")

package sharing.civil_immigration_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.warrant
import data.facts.flawless_test.without
import data.facts.flawless_test.words
import data.sharing.civil_immigration

test_satisfied_by_the_flawless_request if civil_immigration.satisfied with input as request

test_not_satisfied_by_nothing if not civil_immigration.satisfied with input as {}

test_purpose_category_missing if not civil_immigration.satisfied with input as without("/purpose/category")

test_purpose_category_mistyped if not civil_immigration.satisfied with input as having("/purpose/category", 7)

test_purpose_category_mistyped_as_object if not civil_immigration.satisfied with input as having("/purpose/category", {"a": 1})

test_words_missing if not civil_immigration.satisfied with input as without("/words")

test_words_mistyped if not civil_immigration.satisfied with input as having("/words", 7)

test_words_mistyped_as_object if not civil_immigration.satisfied with input as having("/words", {"a": 1})

test_words_classes_missing if not civil_immigration.satisfied with input as without("/words/classes")

test_words_classes_mistyped if not civil_immigration.satisfied with input as having("/words/classes", 7)

test_words_classes_mistyped_as_object if not civil_immigration.satisfied with input as having("/words/classes", {"a": 1})

test_words_reviewed_missing if not civil_immigration.satisfied with input as without("/words/reviewed")

test_words_reviewed_mistyped if not civil_immigration.satisfied with input as having("/words/reviewed", 7)

test_words_reviewed_mistyped_as_object if not civil_immigration.satisfied with input as having("/words/reviewed", {"a": 1})

test_purpose_narrative_missing if not civil_immigration.satisfied with input as without("/purpose/narrative")

test_purpose_narrative_mistyped if not civil_immigration.satisfied with input as having("/purpose/narrative", 7)

test_purpose_narrative_mistyped_as_object if not civil_immigration.satisfied with input as having("/purpose/narrative", {"a": 1})

test_legal_process_missing if not civil_immigration.satisfied with input as without("/legal_process")

test_legal_process_mistyped if not civil_immigration.satisfied with input as having("/legal_process", 7)

test_legal_process_mistyped_as_object if not civil_immigration.satisfied with input as having("/legal_process", {"a": 1})

test_victim_certification_is_protected if civil_immigration.satisfied with input as words(["victim_certification"])

test_ice_beside_a_crime_is_for_staff if civil_immigration.satisfied with input as words(["immigration_agency"])

test_crime_of_immigration_with_a_warrant_is_for_counsel if civil_immigration.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_crime"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_a_criminal_warrant if civil_immigration.satisfied with input as having("/legal_process", {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true})

test_category if not civil_immigration.satisfied with input as having("/purpose/category", "civil_immigration")

test_words if not civil_immigration.satisfied with input as words(["immigration_enforcement"])

test_form if not civil_immigration.satisfied with input as words(["immigration_form"])

test_ice_without_a_crime if not civil_immigration.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_agency"]}, {"op": "add", "path": "/words/narrative/specific", "value": false}])

test_administrative_warrant if not civil_immigration.satisfied with input as having("/legal_process", {"kind": "administrative_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true})

test_detainer if not civil_immigration.satisfied with input as having("/legal_process", {"kind": "detainer", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true})

test_a_verified_administrative_warrant_is_still_civil if not civil_immigration.satisfied with input as having("/legal_process", {"kind": "administrative_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true})

test_paper_without_a_kind if not civil_immigration.satisfied with input as having("/legal_process", {})

test_crime_of_immigration_without_a_warrant if not civil_immigration.satisfied with input as words(["immigration_crime"])

test_crime_of_immigration_with_a_warrant_without_a_judge if not civil_immigration.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_crime"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "criminal_warrant", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": " ", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_crime_of_immigration_with_a_subpoena if not civil_immigration.satisfied with input as changed([{"op": "add", "path": "/words/classes", "value": ["immigration_crime"]}, {"op": "add", "path": "/legal_process", "value": {"kind": "subpoena", "form": null, "form_numbers": [], "earlier_kinds": [], "court": "Circuit Court of Cook County", "judge": "A. Judge", "number": "26-CR-100", "statute": "720 ILCS 5/18-2", "issued_on": "2026-11-01", "verified": true}}])

test_unread_words if not civil_immigration.satisfied with input as having("/words/reviewed", false)

with_paper(changes) := having("/legal_process", object.union(warrant, changes))

test_a_judges_warrant if civil_immigration.satisfied with input as with_paper({})

test_a_form_that_no_judge_signs if {
	every number in ["I-200", "I-203", "I-205", "I-247", "I-286"] {
		not civil_immigration.satisfied with input as with_paper({"form_numbers": [number]})
		not civil_immigration.satisfied with input as with_paper({"form_numbers": ["I-918", number]})
	}
}

test_another_form if civil_immigration.satisfied with input as with_paper({"form_numbers": ["I-918"]})

test_form_numbers_missing if {
	not civil_immigration.satisfied with input as having("/legal_process", object.remove(warrant, ["form_numbers"]))
}

test_form_numbers_mistyped if {
	not civil_immigration.satisfied with input as with_paper({"form_numbers": "I-200"})
	not civil_immigration.satisfied with input as with_paper({"form_numbers": null})
}

test_the_forms_missing if not civil_immigration.satisfied with input as with_paper({}) with data.city.civil_forms as null

test_a_detainer_beneath_a_warrant if not civil_immigration.satisfied with input as with_paper({"earlier_kinds": ["subpoena", "detainer"]})

test_a_subpoena_beneath_a_warrant if civil_immigration.satisfied with input as with_paper({"earlier_kinds": ["subpoena"]})

test_papers_before_missing_or_no_list if {
	not civil_immigration.satisfied with input as having("/legal_process", object.remove(warrant, ["earlier_kinds"]))
	not civil_immigration.satisfied with input as with_paper({"earlier_kinds": "detainer"})
}

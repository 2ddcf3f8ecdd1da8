package redaction.terms_test

import data.redaction.terms

settings(patch) := object.union(data.city.redaction, patch)

test_the_version_and_the_text_travel if {
	startswith(terms.text, "Terms of use 2026-01: ")
	every said in ["civil immigration enforcement", "reproductive", "passed on", "30 days", "receipt"] {
		contains(terms.text, said)
	}
}

test_undefined_without_the_text_of_the_version_in_use if {
	not terms.text with data.city.redaction as settings({"terms_version": "2027-01"})
	not terms.text with data.city.redaction as settings({"terms_version": null})
	not terms.text with data.city.redaction as settings({"terms": {"2026-01": ""}})
	not terms.text with data.city.redaction as object.remove(data.city.redaction, ["terms"])
}

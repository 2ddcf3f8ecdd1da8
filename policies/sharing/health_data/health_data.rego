# METADATA
# scope: package
# title: "Health data leaves the state only on a judge's warrant"
# description: >-
#   Who was seen at a place of reproductive or gender-affirming care, and who is a patient, is sensitive
#   health data. It goes to no federal body and to no agency of another state without a warrant that a
#   judge signed and staff have verified, whatever crime is investigated. Where it went it stays known, so
#   two of counsel must agree to let it go without one.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 23"
# custom:
#   rules: [EV-5]
#   citation: "Evanston City Code, Title 1, Chapter 23"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The words touch sensitive health data, the agency that asks or is asked for is federal or of another
#     state, and no warrant signed by a judge has been verified.
#   remedy: >-
#     Send legal_process with kind criminal_warrant or search_warrant, court, judge, number, statute and
#     document_sha256, and the warrant itself in an appeal. If the words were misread, appeal and say so:
#     the city's counsel decides.
#   review: counsel
#   two_people: true
package sharing.health_data

import data.facts.agency.home
import data.facts.process.verified

satisfied if no_health_data

satisfied if {
	home(input.agency)
	null_or_home(input.end_requester)
}

satisfied if {
	input.words.reviewed == true
	input.legal_process.kind in {"criminal_warrant", "search_warrant"}
	verified(input.legal_process)
}

satisfied if input.ruling.health_data == "counsel"

no_health_data if {
	input.words.reviewed == true
	is_array(input.words.classes)
	classes := data.city.health_classes
	count(classes) > 0
	count([class | some class in input.words.classes; class in classes]) == 0
}

null_or_home(agency) if is_null(agency)

null_or_home(agency) if home(agency)

# METADATA
# scope: package
# title: "Nobody watches who comes to a sensitive place"
# description: >-
#   Some cameras see who comes to a clinic, a place of worship, a school, a courthouse, a shelter or a
#   consulate; the city lists them. Where an officer, or an agency as a whole, has asked what passed
#   there more often in the last thirty days than the city allows, staff look at it, unless they have
#   verified a judge's process for it. Denied requests and dry runs count for whoever asks; for the one
#   that it asks for, what was permitted.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-7]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2026-11-26"
#   message: >-
#     This officer or agency has asked repeatedly what passed at cameras near a sensitive place, and no
#     process signed by a judge has been verified for it.
#   remedy: >-
#     Send legal_process with kind criminal_warrant (or search_warrant, court_order, indictment), court,
#     judge, number, statute and document_sha256, and the paper itself in an appeal; or appeal with what
#     the case needs this place for, for staff to rule.
#   review: staff
package sharing.sensitive_place

import data.facts.process.verified

satisfied if {
	input.patterns.sensitive_places == []
	is_number(input.patterns.sensitive_by_officer)
	is_number(input.patterns.sensitive_by_agency)
}

satisfied if {
	is_array(input.patterns.sensitive_places)
	is_number(input.patterns.sensitive_by_officer)
	input.patterns.sensitive_by_officer >= 1
	input.patterns.sensitive_by_officer <= data.city.sensitive_places.most_by_officer
	is_number(input.patterns.sensitive_by_agency)
	input.patterns.sensitive_by_agency >= 1
	input.patterns.sensitive_by_agency <= data.city.sensitive_places.most_by_agency
}

satisfied if {
	is_array(input.patterns.sensitive_places)
	verified(input.legal_process)
}

satisfied if input.ruling.sensitive_place in {"staff", "counsel"}

# METADATA
# scope: package
# title: "Nobody is followed by searching again and again"
# description: >-
#   One search is like another; many of them for one plate follow a person, whatever reason and case each
#   was filed under. Where one officer, or an agency by whichever officers, has asked about the same plate
#   or place on more days of the last thirty than the city allows, staff look at it, unless they have
#   verified a judge's process for it. Denied requests and dry runs count.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-7]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     This officer or agency has asked about the same plate or place on many of the last thirty days, and
#     no process signed by a judge has been verified for it.
#   remedy: >-
#     Send legal_process with kind criminal_warrant (or search_warrant, court_order, indictment), court,
#     judge, number, statute and document_sha256, and the paper itself in an appeal; or appeal with what
#     the case needs these searches for, for staff to rule.
#   review: staff
package sharing.repeated_search

import data.facts.process.verified

satisfied if {
	is_number(input.history.days_searched)
	input.history.days_searched >= 1
	input.history.days_searched <= data.city.most_days_searched
	is_number(input.patterns.days_by_agency)
	input.patterns.days_by_agency >= 1
	input.patterns.days_by_agency <= data.city.most_days_by_agency
}

satisfied if {
	is_number(input.history.days_searched)
	is_number(input.patterns.days_by_agency)
	verified(input.legal_process)
}

satisfied if input.ruling.repeated_search in {"staff", "counsel"}

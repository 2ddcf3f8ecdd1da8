# METADATA
# scope: package
# title: "One officer does not sweep through plates"
# description: >-
#   A search is for one vehicle or one place. Where one officer asks about more different plates and
#   places within the clock hour, or on the day (UTC), than the city allows, staff look at each further
#   one, unless they have verified a judge's process for it. Denied requests and dry runs count; one
#   target asked about again is one.
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
#     This officer has asked about many different plates and places this hour or today, and no process
#     signed by a judge has been verified for this one.
#   remedy: >-
#     Send legal_process with kind criminal_warrant (or search_warrant, court_order, indictment), court,
#     judge, number, statute and document_sha256, and the paper itself in an appeal; or appeal with what
#     the case needs so many searches for, for staff to rule.
#   review: staff
package sharing.target_sweep

import data.facts.process.verified

satisfied if {
	is_number(input.patterns.targets_this_hour)
	input.patterns.targets_this_hour >= 1
	input.patterns.targets_this_hour <= data.city.sweep.targets_an_hour
	is_number(input.patterns.targets_today)
	input.patterns.targets_today >= 1
	input.patterns.targets_today <= data.city.sweep.targets_a_day
}

satisfied if {
	is_number(input.patterns.targets_this_hour)
	is_number(input.patterns.targets_today)
	verified(input.legal_process)
}

satisfied if input.ruling.target_sweep in {"staff", "counsel"}

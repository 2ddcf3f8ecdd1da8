# METADATA
# scope: package
# title: "A federal immigration body is decided by staff"
# description: >-
#   Criminal co-operation with federal bodies that also enforce immigration law stays lawful, and each
#   request is looked at by a person. Where such a body asks, is asked for, or is named in the words,
#   staff must rule, unless staff have verified a criminal warrant or order signed by a judge.
#   Assisting one without a named crime is refused. The log tags every such request, for the yearly report
#   to the Attorney General and for the council.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "5 ILCS 805, Illinois TRUST Act"
# custom:
#   rules: [TR-3, TR-4, TR-5, TR-8, EV-1, EV-4]
#   citation: "5 ILCS 805/15(h)"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The request is made by, for, or with a federal body that enforces immigration law, and no
#     criminal process signed by a judge has been verified.
#   remedy: >-
#     Send legal_process with kind criminal_warrant (or search_warrant, court_order, indictment),
#     court, judge, number, statute and document_sha256, and the paper itself in an appeal; or appeal
#     with the named offense and case, for staff to rule.
#   review: staff
package sharing.federal_component

import data.facts.immigration.no_body_takes_part
import data.facts.process.verified
import data.facts.words.name_a_crime

satisfied if {
	no_body_takes_part
} else if {
	input.words.reviewed == true
	name_a_crime
	verified(input.legal_process)
}

satisfied if input.ruling.federal_component in {"staff", "counsel"}

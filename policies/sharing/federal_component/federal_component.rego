# METADATA
# scope: package
# title: "A federal immigration body is decided by staff"
# description: >-
#   Criminal co-operation with federal bodies that also enforce immigration law stays lawful, and each
#   request is looked at by a person. Where such a body asks, is asked for, or is named in the words,
#   staff must rule, unless staff have verified a criminal warrant or order signed by a judge.
#   Assisting one without a named crime is refused.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "5 ILCS 805, Illinois TRUST Act"
# custom:
#   rules: [TR-3, TR-4, TR-5, EV-1, EV-4]
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

import data.facts.process.verified
import data.facts.words.name_a_crime
import data.facts.words.name_no_immigration_body

satisfied if {
	name_no_immigration_body
	not_listed(input.agency.id)
	not_listed_or_null(input.end_requester)
} else if {
	input.words.reviewed == true
	name_a_crime
	verified(input.legal_process)
}

satisfied if input.ruling.federal_component in {"staff", "counsel"}

# Legal may list a federal body by its registry id, so that its name need not give it away.
not_listed(id) if {
	is_string(id)
	bodies := data.city.immigration_bodies
	is_array(bodies)
	not id in bodies
}

not_listed_or_null(agency) if {
	is_null(agency)
} else if {
	not_listed(agency.id)
}

# METADATA
# scope: package
# title: "Not for civil immigration enforcement"
# description: >-
#   No reads are shared to investigate or enforce a law that permits detention because of immigration
#   status, whoever asks, and nothing that supports an immigration agent's operation. The rule looks at
#   the category, at every word that was typed, and at the papers: a warrant or form that no judge has
#   approved counts as no process at all. A declaration or a case number does not help. Certifying U or
#   T visa papers for a victim of crime is not enforcement and does not offend this rule.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "625 ILCS 5/2-130, Illinois Vehicle Code"
#   - ref: https://www.ilga.gov/
#     description: "5 ILCS 805, Illinois TRUST Act"
# custom:
#   rules: [IL-1, IL-4, TR-1, TR-2, TR-3, TR-7, TR-10, EV-1, EV-3]
#   citation: "625 ILCS 5/2-130(b)(2); 5 ILCS 805/10, 805/15; Evanston City Code, Title 1, Chapter 22"
#   verified: true
#   public: true
#   effective_on: "2024-01-01"
#   message: >-
#     The request is for civil immigration enforcement, or its words or papers say so: they speak of
#     immigration status, removal, an immigration agency without a crime, or a detainer or warrant that
#     no judge has approved.
#   remedy: >-
#     None: this purpose is closed by law. If the words were misread, the records unit can be told so,
#     and a new request must say what crime happened; within the hour staff look at it first.
#   review: none
package sharing.civil_immigration

import data.facts.process.names_a_judge
import data.facts.process.not_civil
import data.facts.words.name_a_crime

satisfied if {
	is_string(input.purpose.category)
	input.purpose.category != "civil_immigration"
	is_string(input.purpose.narrative)
	input.words.reviewed == true
	is_array(input.words.classes)
	not "immigration_enforcement" in input.words.classes
	not "immigration_form" in input.words.classes
	agency_only_beside_a_crime
	crime_of_immigration_only_by_warrant
	not_civil(input.legal_process)
}

agency_only_beside_a_crime if {
	not "immigration_agency" in input.words.classes
} else if {
	name_a_crime
}

# Assisting immigration enforcement is barred but for a criminal warrant; counsel sees that one.
crime_of_immigration_only_by_warrant if {
	not "immigration_crime" in input.words.classes
} else if {
	names_a_judge(input.legal_process)
}

# METADATA
# scope: package
# title: "Crimes of immigration go to counsel"
# description: >-
#   Entering or re-entering the country without permission can be a crime (8 USC 1325, 1326). A judge's
#   criminal warrant for it may be honoured, never automatically: counsel decides each one. What
#   is wrongly released here can hand a person to civil enforcement and cannot be called back, so two of
#   counsel must agree.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "5 ILCS 805, Illinois TRUST Act"
# custom:
#   rules: [TR-6]
#   citation: "5 ILCS 805/10"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The request names a crime of immigration, such as 8 USC 1325 or 1326. These are never decided
#     automatically.
#   remedy: >-
#     Send legal_process with the criminal warrant: court, judge, number, statute and document_sha256.
#     The city's counsel decides.
#   review: counsel
#   two_people: true
package sharing.immigration_crime

import data.facts.process.verified

satisfied if {
	is_string(input.purpose.category)
	input.words.reviewed == true
	is_array(input.words.classes)
	not "immigration_crime" in input.words.classes
	not_of_immigration(input.purpose.offense)
	is_array(input.purpose.earlier_offenses)
	every offense in input.purpose.earlier_offenses {
		not_of_immigration(offense)
	}
}

# Counsel rules on a judge's warrant that staff have seen, never on the request alone.
satisfied if {
	input.ruling.immigration_crime == "counsel"
	verified(input.legal_process)
}

not_of_immigration(offense) if {
	is_null(offense)
} else if {
	is_string(offense)
	codes := data.city.immigration_offenses
	is_array(codes)
	not offense in codes
}

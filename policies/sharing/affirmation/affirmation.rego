# METADATA
# scope: package
# title: "The agency has affirmed non-use for immigration enforcement"
# description: >-
#   Every third party, in this state or outside it, must have affirmed in writing that it will not use
#   what it receives for immigration enforcement. The affirmation must be in force on the day of the
#   request, in a text that the city accepts, and no older than the city allows. A declaration whose
#   text says the same counts too. Where one agency asks for another, both must have affirmed.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-2]
#   citation: "Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The city has no affirmation in force of the agency, or of the one that it asks for: none was
#     signed, or it has lapsed, begins later, or uses a text that the city no longer accepts.
#   remedy: >-
#     Send the records unit the city's current affirmation text, signed and dated, with the signer's
#     name and title.
#   review: none
package sharing.affirmation

import data.facts.agency.affirms
import data.facts.agency.nobody_or_a_stranger

satisfied if {
	affirms(input.agency)
	end_requester_affirms
}

end_requester_affirms if nobody_or_a_stranger(input.end_requester)

end_requester_affirms if affirms(input.end_requester)

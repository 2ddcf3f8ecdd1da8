# METADATA
# scope: package
# title: "Only an agency in good standing may ask"
# description: >-
#   The asking agency is in the city's registry, is active, and is of a kind with which the city
#   shares. An account that was suspended, closed or never opened gets nothing, whatever it asks, and
#   nothing through another agency.
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
#     The asking agency, or the one that it asks for, is not in good standing: it is unknown to the
#     city, suspended, closed, or of a kind with which the city does not share.
#   remedy: >-
#     Ask the city's records unit to open or reinstate the agency's account. Nothing in the request
#     itself can cure this.
#   review: none
package sharing.agency_standing

import data.facts.agency.nobody_or_a_stranger
import data.facts.agency.stands

satisfied if {
	stands(input.agency)
	end_requester_stands
}

end_requester_stands if nobody_or_a_stranger(input.end_requester)

end_requester_stands if stands(input.end_requester)

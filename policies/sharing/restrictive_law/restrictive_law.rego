# METADATA
# scope: package
# title: "A charge that may hide a health-care investigation goes to counsel"
# description: >-
#   A death investigation, a child-abuse or custodial-interference case can be the form in which a law
#   against care is enforced. Signs that belong together (a clinic and a journey out of a state, a
#   pregnancy and a charge against a parent), such a charge from outside the state, and any interest in
#   a place of care that is not an attack on it, are read by counsel. The words hide such a case by design,
#   and a wrong release can cost a patient or a doctor their freedom, so two of counsel must agree.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "625 ILCS 5/2-130, Illinois Vehicle Code"
# custom:
#   rules: [EV-6, IL-2]
#   citation: "625 ILCS 5/2-130(b)(1); city policy"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The words could describe a law against lawful health care that is enforced under another name, so
#     the request is not decided automatically.
#   remedy: >-
#     Appeal, saying what happened, where, and which statute is enforced, and attach the complaint or
#     the court's order. The city's counsel decides.
#   review: counsel
#   two_people: true
package sharing.restrictive_law

import data.facts.agency.home
import data.facts.bans.listed
import data.facts.bans.no_pretext

satisfied if {
	input.words.reviewed == true
	is_array(input.words.narrative.means)
	listed
	no_signs_together
	no_charge_from_elsewhere
	no_place_of_care_but_attacked
}

satisfied if input.ruling.restrictive_law == "counsel"

no_signs_together if {
	is_array(input.words.classes)
	signs := data.city.care_signs
	is_object(signs)
	count([sign |
		some sign in input.words.classes
		some other in signs[sign]
		other in input.words.classes
	]) == 0
}

no_charge_from_elsewhere if {
	home(input.agency)
	null_or_home(input.end_requester)
	null_or_here(input.purpose.statute_state)
} else if {
	not "care_family" in input.words.classes
	not "care_patient" in input.words.classes
	no_pretext
}

null_or_home(agency) if is_null(agency)

null_or_home(agency) if home(agency)

null_or_here(state) if is_null(state)

null_or_here(state) if state == data.city.state

no_place_of_care_but_attacked if {
	not "care_place" in input.words.classes
} else if {
	"attack" in input.words.narrative.means
}

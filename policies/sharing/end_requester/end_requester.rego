# METADATA
# scope: package
# title: "Whoever is really asking is named and may receive"
# description: >-
#   An agency may ask for another only by naming it. A fusion centre always asks for another. The
#   agency that is named must itself be in the city's registry, in good standing, and bound by the same
#   affirmation and declaration. Where the typed words speak of another requester, the request must
#   name one. An agency of another state that works under a 287(g) agreement is decided by staff each
#   time.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-2, TR-9]
#   citation: "Evanston City Code, Title 1, Chapter 22; city policy"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The request does not say for whom it is made, or it is made for an agency that is not in the
#     registry, not in good standing, not bound by the needed statements, or that works under a 287(g)
#     agreement; or the words speak of another agency that the request does not name.
#   remedy: >-
#     Send on_behalf_of with the end requester's registry id or ORI, its component and the person, and
#     have that agency file its own affirmation (and declaration, outside Illinois). If nobody else is
#     asking, say so to the records unit in an appeal.
#   review: staff
package sharing.end_requester

import data.facts.agency.affirms
import data.facts.agency.asks_for_itself
import data.facts.agency.free_of_287g
import data.facts.agency.may_receive
import data.facts.agency.stands
import data.facts.words.name_no_immigration_body

# Null is a claim, and the words may contradict it.
satisfied if {
	is_null(input.on_behalf_of)
	is_null(input.end_requester)
	asks_for_itself(input.agency)
	free_of_287g(input.agency)
	input.words.reviewed == true
	is_array(input.words.classes)
	not "other_requester" in input.words.classes
	names_no_body_but(input.agency)
}

satisfied if {
	is_object(input.end_requester)
	named(input.on_behalf_of)
	free_of_287g(input.agency)
	input.words.reviewed == true
	may_receive_for_itself(input.end_requester)
	names_no_body_but(input.end_requester)
}

named(requester) if {
	is_string(requester.agency)
	is_string(requester.person)
	trim_space(requester.person) != ""
}

may_receive_for_itself(agency) if {
	stands(agency)
	affirms(agency)
	may_receive(agency)
	asks_for_itself(agency)
	free_of_287g(agency)
}

# A federal body may be named where a federal body asks: the next provisions look at which.
names_no_body_but(agency) if {
	name_no_immigration_body
} else if {
	agency.kind == "federal"
}

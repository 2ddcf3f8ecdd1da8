# METADATA
# scope: package
# title: "Whoever is really asking is named and may receive"
# description: >-
#   An agency may ask for another only by naming it. A fusion centre always asks for another. The
#   agency that is named must be in the city's registry, from which alone its kind, state and standing
#   come; it must have affirmed and declared as the asker must. Where the typed words speak of another
#   requester, the request must name one; where they name a federal immigration body, that body must be
#   the one who asks. An agency of another state that works under a 287(g) agreement is decided by staff
#   each time. Staff cannot rule a stranger in: it must be registered first.
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
#     registry, that asks for others in turn, or that works under a 287(g) agreement outside Illinois; or
#     the words speak of another agency than the one that asks.
#   remedy: >-
#     Send on_behalf_of with the end requester's registry id or ORI, its component and the person, and
#     have that agency file its own affirmation (and declaration, outside Illinois). If nobody else is
#     asking, say so to the records unit in an appeal.
#   review: staff
package sharing.end_requester

import data.facts.agency.asks_for_itself
import data.facts.agency.free_of_287g
import data.facts.words.is_name_of_an_immigration_body
import data.facts.words.name_no_immigration_body

# Null is a claim, and the words may contradict it.
satisfied if {
	nobody_else_is_named
	free_of_287g(input.agency)
	input.words.reviewed == true
	is_array(input.words.classes)
	not "other_requester" in input.words.classes
	words_agree_with(input.agency, "agency.name")
}

satisfied if {
	one_is_named
	free_of_287g(input.agency)
	asks_for_itself(input.end_requester)
	free_of_287g(input.end_requester)
	input.words.reviewed == true
	words_agree_with(input.end_requester, "end_requester.name")
}

# Staff may rule on words and agreements, but not let a fusion centre ask for nobody, or a stranger ask.
satisfied if {
	input.ruling.end_requester in {"staff", "counsel"}
	nobody_else_is_named
}

satisfied if {
	input.ruling.end_requester in {"staff", "counsel"}
	one_is_named
}

nobody_else_is_named if {
	is_null(input.on_behalf_of)
	is_null(input.end_requester)
	asks_for_itself(input.agency)
}

one_is_named if {
	input.end_requester.known == true
	is_string(input.on_behalf_of.agency)
	is_string(input.on_behalf_of.person)
	trim_space(input.on_behalf_of.person) != ""
}

# Words that name an immigration body agree only with a requester that is one, by its registered name or
# by the city's list.
words_agree_with(agency, name) if {
	name_no_immigration_body
} else if {
	is_name_of_an_immigration_body(name)
} else if {
	agency.id in data.city.immigration_bodies
}

# METADATA
# scope: package
# title: "What was refused is not asked again in other words"
# description: >-
#   A request that was refused for what it is for is not permitted because it now says something else.
#   Where the same agency, by whichever officer and client, was refused about the same plate or place
#   within the hour, and the request takes back what it was refused for (words, category, offense,
#   statute, paper, or for whom it is asked), staff look at it. What adds to the request, or corrects a
#   formality, is no rephrasing. Dry runs count, and so does what another agency in good standing asked
#   for this one. The city says for which provisions it matters what was taken back.
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
#     Within the last hour this agency was refused about the same plate or place, and this request no
#     longer says what that one was refused for.
#   remedy: >-
#     Appeal with why the request was put in other words (for example: the words were misread, or the
#     other request was about another case), for staff to rule. Ask with the words that are true the
#     first time.
#   review: staff
package sharing.rephrased_request

satisfied if {
	input.patterns.more_refusals == false
	is_array(input.patterns.refused_before)
	every earlier in input.patterns.refused_before {
		is_number(earlier.minutes_ago)
		harmless(earlier)
	}
}

satisfied if input.ruling.rephrased_request in {"staff", "counsel"}

harmless(earlier) if {
	earlier.minutes_ago > data.city.rephrasing.within_minutes
} else if {
	was_no_rephrasing(earlier)
	keeps_its_words(earlier)
	keeps_what_it_was_refused_for(earlier)
}

# Who goes on asking does not become right by it: the hour begins anew.
was_no_rephrasing(earlier) if {
	is_array(earlier.provisions)
	not "rephrased_request" in earlier.provisions
}

keeps_its_words(earlier) if {
	is_array(earlier.classes_gone)
	telling := data.city.rephrasing.classes
	count(telling) > 0
	count([class | some class in earlier.classes_gone; class in telling]) == 0
}

keeps_what_it_was_refused_for(earlier) if {
	is_array(earlier.taken_back)
	is_string(earlier.category)
	matters := data.city.rephrasing.provisions
	count(matters) > 0
	count([part |
		some code in earlier.provisions
		some part in matters[code]
		part in earlier.taken_back
		not said_nothing(part, earlier)
	]) == 0
}

# Whoever chose the category that stands for all others had not said what the search was for.
said_nothing("category", earlier) if earlier.category in data.city.rephrasing.categories_that_say_nothing

# METADATA
# scope: package
# title: "A purpose for which the city shares reads"
# description: >-
#   The city shares reads for a stated crime, a missing or endangered person, or a stolen vehicle or
#   plate. It never does for protest or expression, worship, private use, civil disputes, sales,
#   demonstrations, or studies of traffic and parking, and never to look at a people instead of a
#   suspect.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-7]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The category is not one for which the city shares reads, or the words describe a purpose that is
#     closed: protest or expression, worship, private use, a civil or commercial matter, a study, or a
#     group of people.
#   remedy: >-
#     Send one of the categories that the city serves, for a crime that the narrative describes. A
#     closed purpose cannot be cured.
#   review: none
package sharing.city_purpose

import data.facts.words.name_a_crime

satisfied if {
	is_string(input.purpose.category)
	input.purpose.category in data.city.purposes
	input.words.reviewed == true
	no_closed_purpose
	no_people_instead_of_a_suspect
}

no_closed_purpose if {
	is_array(input.words.classes)
	closed := data.city.closed_purposes
	count(closed) > 0
	count([purpose | some purpose in input.words.classes; purpose in closed]) == 0
}

no_people_instead_of_a_suspect if {
	not "profiling" in input.words.classes
} else if {
	name_a_crime
}

# METADATA
# title: A purpose of the city's list
# description: Only purposes that the city has adopted.
# custom:
#   rules: [T-2, T-3]
#   citation: Test Code 2
#   verified: true
#   public: true
#   effective_on: 2024-06-01
#   message: The purpose is not one of the city's.
#   remedy: Choose another purpose, or ask for a review.
#   review: staff
package sharing.purpose

import data.facts.ruling

default satisfied := false

satisfied if {
	listed
	is_string(input.purpose.narrative)
	not startswith(lower(input.purpose.narrative), "forbidden")
}

satisfied if {
	ruling.permits(input.purpose.category)
}

listed if {
	some category in data.city.purposes
	category == input.purpose.category
}

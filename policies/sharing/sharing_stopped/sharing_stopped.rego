# METADATA
# scope: package
# title: "Sharing has not been stopped"
# description: >-
#   The city can stop sharing at once: altogether, with an agency, with a kind of agency, or at a camera.
#   While a stop that matches this request is in force, nothing is released, whatever else is proved.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-1]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The city has stopped sharing altogether, with this agency or its kind, or at one of these cameras.
#   remedy: >-
#     Wait until the city resumes sharing; ask the records unit when that may be.
#   review: none
package sharing.sharing_stopped

satisfied if {
	is_array(input.stops)
	count(input.stops) == 0
}

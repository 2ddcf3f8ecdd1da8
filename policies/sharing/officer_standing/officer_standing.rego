# METADATA
# scope: package
# title: "No officer asks who was suspended"
# description: >-
#   An officer whom the city has suspended gets nothing, however the badge is spelled and whichever client
#   of the agency the request comes through, whether the officer was proved or merely named.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-8]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2026-11-26"
#   message: >-
#     The city has suspended this officer from asking.
#   remedy: >-
#     Ask the city's records unit to reinstate the officer. Nothing in the request itself can cure this.
#   review: none
package sharing.officer_standing

satisfied if input.officer.suspended == false

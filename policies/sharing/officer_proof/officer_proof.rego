# METADATA
# scope: package
# title: "The officer is proved where the city asks for it"
# description: >-
#   A name and a badge that a system fills in are a claim; shared and forgotten accounts make it worthless.
#   Where the city's data requires it of agencies of that kind, the agency must prove with a signed
#   assertion who is at the keyboard, in a session that is not older than the city allows. Elsewhere an
#   officer who is merely named may ask, and the record says so.
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
#     The city requires agencies of this kind to prove which officer asks, in a session that has not lasted
#     too long, and this request did not.
#   remedy: >-
#     Send the header Officer-Assertion with a fresh assertion of the officer who asks, signed by your
#     client's key (openapi.yaml says what it holds); let the officer sign in anew if the session is old.
#   review: none
package sharing.officer_proof

satisfied if {
	is_boolean(input.officer.proved)
	data.city.officer_proof[input.agency.kind] == "asked"
}

# An agency that the city does not know is of no kind; it is refused for that (agency_standing).
satisfied if {
	is_boolean(input.officer.proved)
	input.agency.known == false
}

satisfied if {
	input.officer.proved == true
	session_is_not_too_old
}

session_is_not_too_old if is_null(data.city.officer_session_hours)

session_is_not_too_old if {
	is_number(input.officer.session_age_hours)
	input.officer.session_age_hours >= 0
	input.officer.session_age_hours < data.city.officer_session_hours
}

# METADATA
# scope: package
# title: "The officer attests to the use"
# description: >-
#   A named officer has accepted the city's attestation for this request, in a text that the city
#   still accepts on the day. Use is bound to a person: a shared log-in names nobody.
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
#     The attestation was not accepted, its text is not one that the city accepts today, or the
#     officer is not named.
#   remedy: >-
#     Have the officer read the current attestation text and send attestation with accepted true and
#     that text's version, and requester with the officer's own name and badge.
#   review: none
package sharing.attestation

satisfied if {
	officer_named
	is_string(input.clock.date)
	input.attestation.accepted == true
	is_string(input.attestation.text_version)
	accepted_until := data.city.attestation_texts[input.attestation.text_version].accepted_until
	still_accepted(accepted_until)
}

# "n/a", "-" and blanks name nobody.
officer_named if {
	is_string(input.requester.name)
	regex.match(`\p{L}{2}`, input.requester.name)
	is_string(input.requester.badge)
	regex.match(`^[0-9A-Za-z][0-9A-Za-z .#-]*$`, input.requester.badge)
}

still_accepted(until) if is_null(until)

# The last day counts.
still_accepted(until) if {
	is_string(until)
	is_string(input.clock.date)
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, input.clock.date)
	input.clock.date <= until
}

# METADATA
# scope: package
# title: "One officer is in one place, and not around the clock"
# description: >-
#   A badge that asks from more clients within an hour than one person sits at, in more hours of a day than
#   one person works, or in more sessions at once than one person has, is shared or stolen. Where the city's
#   data sets a limit, what is over it waits for staff. Denied requests and dry runs count.
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
#     This badge asks from several systems or sessions at once, or in more hours of the day than one person
#     works.
#   remedy: >-
#     Appeal with who asked from where; or, if the badge is used by somebody else, tell the city's records
#     unit and suspend the account.
#   review: staff
package sharing.officer_presence

satisfied if {
	within(input.officer.clients_this_hour, data.city.officer_most_clients_an_hour)
	within(input.officer.hours_today, data.city.officer_most_hours_a_day)
	within(input.officer.sessions_at_once, data.city.officer_most_sessions_at_once)
}

satisfied if input.ruling.officer_presence in {"staff", "counsel"}

within(counted, most) if {
	is_number(counted)
	counted >= 1
	is_null(most)
}

within(counted, most) if {
	is_number(counted)
	counted >= 1
	counted <= most
}

# METADATA
# scope: package
# title: "A case number that could be one"
# description: >-
#   The request names the case it belongs to. For a missing or endangered person a call-for-service
#   number will do. A number proves nothing by itself: every other provision applies all the same.
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
#     There is no case number, or what was sent cannot be one (such as n/a, pending or 12345), or it is
#     a call-for-service number and no person is missing.
#   remedy: >-
#     Send purpose.case_number as your records system prints it, for example 25-10494; for a missing
#     person, the call-for-service number.
#   review: staff
package sharing.case_number

satisfied if {
	is_string(input.purpose.case_number)
	trim_space(input.purpose.case_number) != ""
	input.words.case_number.plausible == true
	of_a_case_or_of_a_missing_person
}

satisfied if input.ruling.case_number in {"staff", "counsel"}

of_a_case_or_of_a_missing_person if input.words.case_number.call_for_service == false

of_a_case_or_of_a_missing_person if {
	input.words.case_number.call_for_service == true
	input.purpose.category in data.city.call_for_service_purposes
}

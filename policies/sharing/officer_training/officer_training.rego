# METADATA
# scope: package
# title: "The officer's training is current where the city asks for it"
# description: >-
#   Where the city's data sets a number of days, whoever asks was trained in the use of plate reads within
#   them. The day counts only as the officer's agency proves it; of an officer who is merely named nobody
#   knows it.
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
#     The city requires that whoever asks was trained of late, and this request does not prove it.
#   remedy: >-
#     Train the officer, and send the header Officer-Assertion with the day of the training as `training`.
#   review: none
package sharing.officer_training

satisfied if {
	is_boolean(input.officer.proved)
	is_null(data.city.officer_training_days)
}

satisfied if {
	input.officer.proved == true
	is_number(input.officer.training_age_days)
	input.officer.training_age_days >= 0
	input.officer.training_age_days <= data.city.officer_training_days
}

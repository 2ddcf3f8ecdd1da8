# METADATA
# scope: package
# title: "A felony or gross misdemeanour, or a person in danger"
# description: >-
#   Washington's act of 2026 is reported to allow searches for felonies and gross misdemeanours and a list of
#   other uses, and never for immigration enforcement or protected activity, which no city may serve. Offense
#   codes that are often less than that, or that name no crime, are not enough. The city's attorney must
#   confirm this before it is relied on.
# related_resources:
#   - ref: https://app.leg.wa.gov/
#     description: "Washington SB 6002"
# custom:
#   rules: [WA-1]
#   citation: "Washington SB 6002 (2026), as reported; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The category is not one that the act is reported to allow, or the offense code may stand for less than a
#     gross misdemeanour, or names no crime (90Z). To be confirmed by the city's attorney.
#   remedy: >-
#     Send the category that the case belongs to, and in purpose.offense the code of the crime itself.
#   review: none
package packs.washington.washington_purpose

satisfied if {
	is_string(input.purpose.category)
	input.purpose.category in data.pack.washington.purposes
	serious
}

serious if {
	is_string(input.purpose.offense)
	closed := data.pack.washington.closed_offenses
	is_array(closed)
	not input.purpose.offense in closed
}

# A person may be missing without a crime.
serious if {
	is_null(input.purpose.offense)
	input.purpose.category in data.city.purposes_without_offense
}

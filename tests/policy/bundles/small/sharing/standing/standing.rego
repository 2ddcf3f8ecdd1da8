# METADATA
# title: Agency in good standing
# description: A suspended or closed agency receives nothing.
# related_resources:
#   - ref: https://example.test/standing
#     description: The city's list
# custom:
#   rules: [T-1]
#   citation: Test Code 1
#   verified: false
#   public: true
#   effective_on: 2024-01-01
#   message: Your agency is not in good standing.
#   remedy: Write to the records office.
#   review: none
package sharing.standing

default satisfied := false

satisfied if {
	is_string(input.agency.id)
	data.facts.agency.active
}

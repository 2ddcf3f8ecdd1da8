# METADATA
# scope: package
# title: "A purpose for which Virginia allows the use of reads"
# description: >-
#   Reads serve the investigation of a crime of which there is reasonable suspicion, a missing or endangered
#   person, or human trafficking. Alerts, the other lawful use, are not searches of past reads.
# related_resources:
#   - ref: https://law.lis.virginia.gov/
#     description: "Code of Virginia, § 2.2-5517"
# custom:
#   rules: [VA-1]
#   citation: "Code of Virginia § 2.2-5517"
#   verified: true
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The category is not the investigation of a crime, a stolen vehicle, a missing or endangered person or
#     human trafficking, or the narrative does not say which crime is suspected.
#   remedy: >-
#     Send the category that the case belongs to, and say in purpose.narrative what happened.
#   review: none
package packs.virginia.virginia_purpose

import data.facts.words.name_a_crime

satisfied if {
	is_string(input.purpose.category)
	input.purpose.category in data.pack.virginia.purposes
	name_a_crime
}

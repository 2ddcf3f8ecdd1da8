# METADATA
# scope: package
# title: "Nobody is tracked without a warrant or danger"
# description: >-
#   Readers may not be used to track a person without a warrant or exigent circumstances. A search for one
#   plate over a longer time is held to be tracking; from which length on is this pack's inference. The city's
#   attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://www.revisor.mn.gov/statutes/cite/13.824
#     description: "Minnesota Statutes, § 13.824"
# custom:
#   rules: [MN-1]
#   citation: "Minnesota Statutes § 13.824; the length by inference, to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The search for one plate covers so long a time that it is held to be tracking (to be confirmed by the
#     city's attorney), and there is neither a warrant that staff have verified nor a person in danger.
#   remedy: >-
#     Ask for a shorter window, or attach in legal_process the warrant of a judge; it counts once staff have
#     verified it.
#   review: none
package packs.minnesota.minnesota_tracking

import data.facts.process.verified

satisfied if input.query.kind == "place"

satisfied if {
	is_string(input.query.kind)
	is_number(input.query.window_hours)
	input.query.window_hours <= data.pack.minnesota.untracked_hours
}

satisfied if verified(input.legal_process)

# The words must bear this out: stated_reason sees to it.
satisfied if input.purpose.category == "missing_or_endangered_person"

# METADATA
# scope: package
# title: Charges from where care is banned
# description: >-
#   Where a state bans lawful care, a charge can be the form in which that law is enforced: a death, or a
#   child that was taken. Judged for the agency, for the one it asks for, and for the state whose statute is
#   enforced. Which states and which charges is data, for counsel to confirm.
package facts.bans

# Whoever asks: where nobody has listed the bans, nobody can tell what is a pretext.
listed if count(data.restrictive_laws.bans) > 0

no_pretext if {
	listed
	is_array(input.words.narrative.means)
	is_array(input.words.narrative.added_means)
	is_array(input.purpose.earlier_offenses)
	every state in asking {
		null_or_text(state)
	}
	count([care | some care, ban in data.restrictive_laws.bans; could_enforce(ban)]) == 0
}

# A federal body has no state, and a statute may go unnamed. Undefined where one is not said at all.
asking := [input.agency.state, asked_for, input.purpose.statute_state]

asked_for := null if {
	is_null(input.end_requester)
} else := input.end_requester.state

null_or_text(state) if is_null(state)

null_or_text(state) if is_string(state)

could_enforce(ban) if {
	some state in asking
	state in ban.states
	could_hide(ban)
}

could_hide(ban) if input.purpose.offense in ban.offenses

# What an appeal took back, or added, was said all the same.
could_hide(ban) if {
	some offense in input.purpose.earlier_offenses
	offense in ban.offenses
}

could_hide(ban) if {
	some meaning in input.words.narrative.means
	meaning in ban.meanings
}

could_hide(ban) if {
	some meaning in input.words.narrative.added_means
	meaning in ban.meanings
}

# METADATA
# scope: package
# title: Who may receive reads under the law of a pack
# description: >-
#   Each pack names one of a closed list of rules. Reads that are asked for on behalf of another agency reach
#   both, so both must be allowed. The rule nobody is not written here, as no rule that is not written allows
#   anybody.
package facts.recipients

import data.facts.agency.declares

# The pack, and the ids of the agencies that the city has named under it.
allowed(pack, named) if {
	may_receive(input.agency, pack, named)
	is_null(input.end_requester)
} else if {
	may_receive(input.agency, pack, named)
	may_receive(input.end_requester, pack, named)
} else if {
	# Who asks the repository is not the repository; it must be an agency of the same state.
	pack.recipient_rule == "through_a_repository_named_by_the_city"
	named_by_the_city(input.agency, named)
	of_the_state(input.agency, pack)
	own_agency(input.end_requester, pack)
}

# A body that several governments run is not the state's own.
may_receive(agency, pack, _) if {
	pack.recipient_rule == "public_agencies_of_the_state"
	agency.kind in {"local", "state"}
	of_the_state(agency, pack)
}

may_receive(agency, pack, _) if {
	pack.recipient_rule == "agencies_of_the_state"
	own_agency(agency, pack)
}

may_receive(agency, pack, _) if {
	pack.recipient_rule == "agencies_of_the_state_and_of_listed_states"
	own_agency(agency, pack)
}

# Of the other states only what is listed, and only an agency that has agreed in writing.
may_receive(agency, pack, _) if {
	pack.recipient_rule == "agencies_of_the_state_and_of_listed_states"
	agency.kind in {"local", "state"}
	agency.state in pack.recipient_states
	declares(agency)
}

may_receive(agency, pack, named) if {
	pack.recipient_rule == "agencies_named_by_the_city"
	named_by_the_city(agency, named)
}

# A fusion centre counts as its state's: for whom it asks is looked at as well. A tribe is no part of a state.
own_agency(agency, pack) if {
	agency.kind in {"local", "state", "fusion_center"}
	of_the_state(agency, pack)
}

of_the_state(agency, pack) if {
	is_string(agency.state)
	agency.state == pack.state
}

named_by_the_city(agency, named) if {
	agency.known == true
	is_string(agency.id)
	agency.id in named
}

# METADATA
# scope: package
# title: Who may receive reads under the law of a pack
# description: >-
#   Each pack names one of a closed list of rules. Reads that are asked for on behalf of another agency reach
#   both, so both must be allowed. A rule that is not written here allows nobody.
package facts.recipients

# The pack, and the agencies that the city has named under it.
allowed(pack, named) if {
	may_receive(input.agency, pack, named)
	is_null(input.end_requester)
} else if {
	may_receive(input.agency, pack, named)
	may_receive(input.end_requester, pack, named)
}

# Bodies that several governments run are not the state's, and a tribe is not a part of it.
may_receive(agency, pack, _) if {
	pack.recipient_rule == "public_agencies_of_the_state"
	agency.kind in {"local", "state"}
	of_the_state(agency, pack)
}

# A fusion centre counts as its state's; it must name for whom it asks, and that agency must be allowed too.
may_receive(agency, pack, _) if {
	pack.recipient_rule == "agencies_of_the_state"
	agency.kind in {"local", "state", "fusion_center"}
	of_the_state(agency, pack)
}

of_the_state(agency, pack) if {
	is_string(agency.state)
	agency.state == pack.state
}

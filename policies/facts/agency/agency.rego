# METADATA
# scope: package
# title: What an agency is and has promised
# description: >-
#   Shared by the provisions on standing, affirmation, declaration and end requester. Each takes an
#   agency's facts, and is undefined (so: not so) where one is missing or of the wrong type.
package facts.agency

# Who is asked for answers for itself as the asker does. A stranger is the provision on the end
# requester's to refuse, because staff may have it registered.
nobody_or_a_stranger(agency) if {
	is_null(agency)
} else if {
	agency.known == false
}

stands(agency) if {
	agency.known == true
	is_string(agency.id)
	agency.status == "active"
	agency.kind in data.city.recipient_kinds
}

# A declaration whose text also affirms non-use is both.
affirms(agency) if {
	in_force(agency.affirmation, data.city.affirmation_texts)
} else if {
	declares(agency)
	agency.declaration.text_version in data.city.declaration_affirms
}

declares(agency) if in_force(agency.declaration, data.city.declaration_texts)

in_force(statement, texts) if {
	statement.state == "in_force"
	statement.text_version in texts
	is_number(statement.age_days)
	statement.age_days >= 0
	statement.age_days <= data.city.affirmation_max_age_days
}

home(agency) if {
	is_string(agency.state)
	agency.state == data.city.state
}

# The statute asks a declaration of the law enforcement of other states. A federal body has no state;
# what binds it is the affirmation, and the provision on federal components.
may_receive(agency) if {
	home(agency)
} else if {
	agency.kind == "federal"
} else if {
	is_string(agency.kind)
	declares(agency)
}

asks_for_itself(agency) if {
	is_string(agency.kind)
	kinds := data.city.kinds_that_ask_for_others
	is_array(kinds)
	not agency.kind in kinds
}

free_of_287g(agency) if {
	agency.has_287g == false
} else if {
	agency.has_287g == true
	home(agency)
}

# METADATA
# scope: package
# title: Policies that check the packs
# description: >-
#   Run over the packs as JSON: {"packs": {name: pack.json}, "provisions": [as for checks/catalogue]}. What a
#   pack says in data and what its provisions do must agree, and nothing that nobody compared with the text
#   of the law may read like the law. Each fault is a sentence.
package checks.packs

# A provision that applies a field of pack.json is named for it, and is as sure as that field.
looks_at := {
	"purpose": "purposes",
	"tracking": "purposes",
	"recipient": "recipient_rule",
	"store": "recipient_rule",
	"record": "required_log_fields",
}

faults contains fault if {
	some provision in of_packs
	field := looks_at[topic(provision)]
	sure := input.packs[provision.pack].certainty[field] == "verified"
	provision.verified != sure
	fault := concat("", [provision.code, ": verified does not agree with certainty.", field, " of its pack"])
}

faults contains fault if {
	some provision in of_packs
	looks_at[topic(provision)]
	provision.verified == false
	some field in {"citation", "description", "message"}
	not contains(provision[field], "attorney")
	fault := concat("", [provision.code, ": ", field, " does not say that the attorney must confirm it"])
}

faults contains fault if {
	some name, pack in input.packs
	pack.required_log_fields != []
	not "required_log_fields" in enforced(name)
	fault := concat("", [name, ": required_log_fields has no provision that asks for them"])
}

faults contains fault if {
	some name, pack in input.packs
	pack.recipient_rule != "as_binding_every_city"
	not "recipient_rule" in enforced(name)
	fault := concat("", [name, ": recipient_rule has no provision that applies it"])
}

faults contains fault if {
	some name, pack in input.packs
	is_null(pack.verified_on) != is_null(pack.verified_by)
	fault := concat("", [name, ": verified_on and verified_by say together who confirmed the pack, and when"])
}

of_packs contains provision if {
	some provision in input.provisions
	is_string(provision.pack)
}

topic(provision) := trim_prefix(provision.code, concat("", [provision.pack, "_"]))

enforced(name) := {looks_at[topic(provision)] |
	some provision in of_packs
	provision.pack == name
}

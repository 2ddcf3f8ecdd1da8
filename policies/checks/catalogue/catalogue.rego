# METADATA
# scope: package
# title: Policies that check the provisions
# description: >-
#   Run over the catalogue as JSON: {"provisions": [{code, pack, title, description, rules, citation,
#   verified, public, effective_on, message, remedy, review, two_people, related_resources, path}],
#   "in_force": [codes], "tests": [paths]}. Each fault is a sentence. An empty catalogue is a fault.
package checks.catalogue

texts := {"title", "description", "citation", "message", "remedy"}

reviews := {"none", "staff", "counsel"}

faults contains "the catalogue holds no provisions" if count(object.get(input, "provisions", [])) == 0

faults contains fault if {
	some provision in input.provisions
	some field in texts
	not filled(object.get(provision, field, null))
	fault := concat("", [provision.code, ": ", field, " is missing or empty"])
}

faults contains fault if {
	some provision in input.provisions
	not provision.review in reviews
	fault := concat("", [provision.code, ": review is not none, staff or counsel"])
}

faults contains fault if {
	some provision in input.provisions
	some field in {"verified", "public", "two_people"}
	not is_boolean(object.get(provision, field, null))
	fault := concat("", [provision.code, ": ", field, " is not true or false"])
}

faults contains fault if {
	some provision in input.provisions
	not rules_named(provision)
	fault := concat("", [provision.code, ": rules does not name the rules of law, such as IL-1"])
}

faults contains fault if {
	some provision in input.provisions
	not is_day(object.get(provision, "effective_on", null))
	fault := concat("", [provision.code, ": effective_on is not a day that exists"])
}

# What cannot be cured must say so; what can must say exactly what to send.
faults contains fault if {
	some provision in input.provisions
	provision.review != "none"
	is_string(provision.remedy)
	startswith(provision.remedy, "None")
	fault := concat("", [provision.code, ": is reviewed, but its remedy says that there is none"])
}

faults contains fault if {
	some provision in input.provisions
	provision.two_people == true
	provision.review == "none"
	fault := concat("", [provision.code, ": asks for two people, and nobody may rule on it"])
}

faults contains fault if {
	some provision in input.provisions
	provision.path != concat("/", [home(provision), concat("", [provision.code, ".rego"])])
	fault := concat("", [provision.code, ": does not stand in the directory of its own name"])
}

faults contains fault if {
	some provision in input.provisions
	not concat("/", [home(provision), concat("", [provision.code, "_test.rego"])]) in input.tests
	fault := concat("", [provision.code, ": has no test beside it"])
}

faults contains fault if {
	some code in input.in_force
	not code in {provision.code | some provision in input.provisions}
	fault := concat("", [code, ": is in force, and the catalogue does not state it"])
}

faults contains "a provision is named twice" if {
	count({provision.code | some provision in input.provisions}) != count(input.provisions)
}

# What binds every city stands in sharing; what a pack adds, with the pack.
home(provision) := concat("/", ["sharing", provision.code]) if is_null(provision.pack)

home(provision) := concat("/", ["packs", provision.pack, provision.code]) if is_string(provision.pack)

filled(text) if {
	is_string(text)
	trim_space(text) != ""
}

rules_named(provision) if {
	is_array(provision.rules)
	count(provision.rules) > 0
	count([rule | some rule in provision.rules; regex.match(`^[A-Z]{2}-[0-9]+$`, rule)]) == count(provision.rules)
}

is_day(text) if {
	is_string(text)
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, text)
	is_number(time.parse_ns("2006-01-02", text))
}

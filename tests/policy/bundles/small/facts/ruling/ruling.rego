package facts.ruling

default permits(_) := false

permits(category) if {
	is_string(category)
	input.ruling.purpose in {"staff", "counsel"}
}

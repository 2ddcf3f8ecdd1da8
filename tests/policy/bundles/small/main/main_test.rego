package main_test

import data.main

permitted := {"agency": {"id": "a", "status": "active"}, "purpose": {"category": "stolen_vehicle", "narrative": "n"}}

test_permit if {
	main.decision.permit with input as permitted
	main.decision.obligations.max_records == 100 with input as permitted
	main.decision.proved == {"standing", "purpose"} with input as permitted
}

test_no_facts if {
	not main.decision.permit with input as {}
	main.decision.unmet == {"standing", "purpose"} with input as {}
	main.decision.obligations == {} with input as {}
}

test_a_pack_adds if {
	main.decision.unmet == {"south_badge"} with input as permitted with data.city.packs as ["south"]
	main.decision.permit with input as {"agency": {"id": "south-1", "status": "active"}, "purpose": permitted.purpose}
		with data.city.packs as ["south"]
}

# A request with nothing wrong in it. Each test spoils one thing and looks at what is refused.
package facts.flawless_test

request := {
	"clock": {
		"date": "2026-11-22",
	},
	"agency": {
		"known": true,
		"id": "evanston-pd",
		"kind": "local",
		"state": "IL",
		"status": "active",
		"has_287g": false,
		"affirmation": {
			"state": "in_force",
			"text_version": "2026-01",
			"age_days": 30,
		},
		"declaration": {
			"state": "none",
			"text_version": null,
			"age_days": null,
		},
	},
	"end_requester": null,
	"query": {
		"kind": "plate",
		"literal_characters": 7,
		"wildcards": 0,
		"plate_state": "IL",
		"window_hours": 168,
		"starts_days_ago": 21,
		"ends_in_future": false,
		"cameras": 0,
		"limit": 100,
	},
	"purpose": {
		"category": "criminal_investigation",
		"offense": "90Z",
		"statute": null,
		"statute_state": null,
		"narrative": "Stolen Honda Civic, taken from Ridge Ave overnight",
		"case_number": "25-10494",
		"earlier_offenses": [],
	},
	"requester": {
		"name": "Pat Example",
		"badge": "4411",
		"unit": "Auto theft",
	},
	"on_behalf_of": null,
	"legal_process": null,
	"attestation": {
		"text_version": "2026-01",
		"accepted": true,
	},
	"words": {
		"classes": [
			"specific_crime",
		],
		"matches": [
			{
				"class": "specific_crime",
				"term": "stolen",
				"field": "narrative",
				"start": 0,
				"end": 6,
			},
			{
				"class": "specific_crime",
				"term": "stolen honda",
				"field": "narrative",
				"start": 0,
				"end": 12,
			},
		],
		"narrative": {
			"letters": 42,
			"words": 8,
			"specific": true,
			"offense_class": false,
			"means": [
				"theft",
				"vehicle_theft",
			],
			"added_means": [],
			"vague_only": false,
		},
		"case_number": {
			"plausible": true,
			"call_for_service": false,
		},
		"reviewed": true,
	},
	"stops": [],
	"history": {
		"days_searched": 1,
		"days_under_this_case": 1,
		"days_under_another_case": 0,
		"refused_in_the_last_hour": 0,
	},
	"patterns": {
		"refused_before": [],
		"more_refusals": false,
		"targets_this_hour": 1,
		"targets_today": 1,
		"days_by_agency": 1,
		"sensitive_places": [],
		"sensitive_by_officer": 0,
		"sensitive_by_agency": 0,
	},
	"officer": {
		"proved": true,
		"suspended": false,
		"role": "detective",
		"training_age_days": 30,
		"session_age_hours": 1,
		"clients_this_hour": 1,
		"hours_today": 1,
		"sessions_at_once": 1,
	},
	"ruling": null,
}

changed(patches) := json.patch(request, patches)

without(path) := json.patch(request, [{"op": "remove", "path": path}])

having(path, value) := json.patch(request, [{"op": "add", "path": path, "value": value}])

away := object.union(request.agency, {
	"id": "madison-pd",
	"state": "WI",
	"declaration": {"state": "in_force", "text_version": "2026-01", "age_days": 10},
})

neighbour := object.union(request.agency, {"id": "cook-sheriff"})

stranger := object.union({key: null | some key, _ in request.agency}, {"known": false})

asked_for(agency) := changed([
	{"op": "add", "path": "/on_behalf_of", "value": {"agency": "cook-sheriff", "component": null, "person": "Sam Sample"}},
	{"op": "add", "path": "/end_requester", "value": agency},
])

ruled(ruling) := having("/ruling", ruling)

warrant := {
	"kind": "criminal_warrant",
	"form": null,
	"form_numbers": [],
	"earlier_kinds": [],
	"court": "Circuit Court of Cook County",
	"judge": "A. Judge",
	"number": "26-CR-100",
	"statute": "720 ILCS 5/18-2",
	"issued_on": "2026-11-01",
	"verified": true,
}

words(classes) := having("/words/classes", classes)

test_the_flawless_request_is_permitted if {
	data.main.decision.permit == true with input as request
	data.main.decision.unmet == [] with input as request
}

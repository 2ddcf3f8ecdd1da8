package packs.minnesota.minnesota_recipient_test

import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.packs.minnesota.minnesota_recipient

test_not_satisfied_by_nothing if not minnesota_recipient.satisfied with input as {}

city := object.union(data.city, {"named_recipients": {"minnesota": ["evanston-pd", "duluth-pd"]}})

asked_for(id) := having("/end_requester", object.union(request.agency, {"id": id}))

test_an_agency_that_the_city_named if minnesota_recipient.satisfied with input as request with data.city as city

test_an_agency_that_it_did_not_name if {
	not minnesota_recipient.satisfied with input as having("/agency/id", "other-pd") with data.city as city
}

test_a_city_that_named_nobody if {
	not minnesota_recipient.satisfied with input as request
	every named in [{}, {"minnesota": []}, {"minnesota": null}, {"minesota": ["evanston-pd"]}] {
		none := object.union(object.remove(data.city, ["named_recipients"]), {"named_recipients": named})
		not minnesota_recipient.satisfied with input as request with data.city as none
	}
}

test_what_is_asked_for_another_reaches_the_other if {
	minnesota_recipient.satisfied with input as asked_for("duluth-pd") with data.city as city
	not minnesota_recipient.satisfied with input as asked_for("other-pd") with data.city as city
}

test_a_fact_that_is_missing_or_of_another_type if {
	every path in ["/agency", "/agency/id", "/agency/known", "/end_requester"] {
		not minnesota_recipient.satisfied with input as without(path) with data.city as city
		every value in [7, "", [], {"a": 1}] {
			not minnesota_recipient.satisfied with input as having(path, value) with data.city as city
		}
	}
}

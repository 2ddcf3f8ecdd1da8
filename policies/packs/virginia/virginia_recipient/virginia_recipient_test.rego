package packs.virginia.virginia_recipient_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.request
import data.packs.virginia.virginia_recipient

test_not_satisfied_by_nothing if not virginia_recipient.satisfied with input as {}

test_an_agency_of_virginia if virginia_recipient.satisfied with input as asked_by("local", "VA")

test_no_agency_of_another_state if not virginia_recipient.satisfied with input as request

test_no_federal_agency if not virginia_recipient.satisfied with input as asked_by("federal", "VA")

asked_by(kind, state) := changed([
	{"op": "add", "path": "/agency/kind", "value": kind},
	{"op": "add", "path": "/agency/state", "value": state},
])

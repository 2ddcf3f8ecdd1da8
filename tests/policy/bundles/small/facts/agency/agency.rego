package facts.agency

default active := false

active if input.agency.status == "active"

package sharing.standing_test

import data.sharing.standing

test_active_agency if standing.satisfied with input as {"agency": {"id": "a", "status": "active"}}

test_suspended_agency if not standing.satisfied with input as {"agency": {"id": "a", "status": "suspended"}}

test_no_facts if not standing.satisfied with input as {}

package packs.south.south_badge_test

import data.packs.south.south_badge

test_badge if south_badge.satisfied with input as {"agency": {"id": "south-1"}}

test_no_badge if not south_badge.satisfied with input as {"agency": {"id": "a"}}

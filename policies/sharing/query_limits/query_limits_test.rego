package sharing.query_limits_test

import data.facts.flawless_test.changed
import data.facts.flawless_test.having
import data.facts.flawless_test.request
import data.facts.flawless_test.without
import data.sharing.query_limits

test_satisfied_by_the_flawless_request if query_limits.satisfied with input as request

test_not_satisfied_by_nothing if not query_limits.satisfied with input as {}

test_query_missing if not query_limits.satisfied with input as without("/query")

test_query_mistyped if not query_limits.satisfied with input as having("/query", 7)

test_query_mistyped_as_object if not query_limits.satisfied with input as having("/query", {"a": 1})

test_query_kind_missing if not query_limits.satisfied with input as without("/query/kind")

test_query_kind_mistyped if not query_limits.satisfied with input as having("/query/kind", 7)

test_query_kind_mistyped_as_object if not query_limits.satisfied with input as having("/query/kind", {"a": 1})

test_query_window_hours_missing if not query_limits.satisfied with input as without("/query/window_hours")

test_query_window_hours_mistyped if not query_limits.satisfied with input as having("/query/window_hours", "7")

test_query_window_hours_mistyped_as_object if not query_limits.satisfied with input as having("/query/window_hours", {"a": 1})

test_query_starts_days_ago_missing if not query_limits.satisfied with input as without("/query/starts_days_ago")

test_query_starts_days_ago_mistyped if not query_limits.satisfied with input as having("/query/starts_days_ago", "7")

test_query_starts_days_ago_mistyped_as_object if not query_limits.satisfied with input as having("/query/starts_days_ago", {"a": 1})

test_query_ends_in_future_missing if not query_limits.satisfied with input as without("/query/ends_in_future")

test_query_ends_in_future_mistyped if not query_limits.satisfied with input as having("/query/ends_in_future", 7)

test_query_ends_in_future_mistyped_as_object if not query_limits.satisfied with input as having("/query/ends_in_future", {"a": 1})

test_query_cameras_missing if not query_limits.satisfied with input as without("/query/cameras")

test_query_cameras_mistyped if not query_limits.satisfied with input as having("/query/cameras", "7")

test_query_cameras_mistyped_as_object if not query_limits.satisfied with input as having("/query/cameras", {"a": 1})

test_query_limit_missing if not query_limits.satisfied with input as without("/query/limit")

test_query_limit_mistyped if not query_limits.satisfied with input as having("/query/limit", "7")

test_query_limit_mistyped_as_object if not query_limits.satisfied with input as having("/query/limit", {"a": 1})

test_query_literal_characters_missing if not query_limits.satisfied with input as without("/query/literal_characters")

test_query_literal_characters_mistyped if not query_limits.satisfied with input as having("/query/literal_characters", "7")

test_query_literal_characters_mistyped_as_object if not query_limits.satisfied with input as having("/query/literal_characters", {"a": 1})

test_query_wildcards_missing if not query_limits.satisfied with input as without("/query/wildcards")

test_query_wildcards_mistyped if not query_limits.satisfied with input as having("/query/wildcards", "7")

test_query_wildcards_mistyped_as_object if not query_limits.satisfied with input as having("/query/wildcards", {"a": 1})

test_the_longest_window if query_limits.satisfied with input as having("/query/window_hours", 744)

test_the_most_records if query_limits.satisfied with input as having("/query/limit", 500)

test_a_short_plate if query_limits.satisfied with input as having("/query/literal_characters", 1)

test_one_wildcard if query_limits.satisfied with input as changed([{"op": "add", "path": "/query/wildcards", "value": 1}, {"op": "add", "path": "/query/literal_characters", "value": 4}])

test_a_place if query_limits.satisfied with input as having("/query", {"kind": "place", "literal_characters": 0, "wildcards": 0, "plate_state": null, "window_hours": 2, "starts_days_ago": 3, "ends_in_future": false, "cameras": 2, "limit": 50})

test_the_furthest_day if query_limits.satisfied with input as having("/query/starts_days_ago", 365)

test_a_longer_window if not query_limits.satisfied with input as having("/query/window_hours", 745)

test_empty_window if not query_limits.satisfied with input as having("/query/window_hours", 0)

test_backward_window if not query_limits.satisfied with input as having("/query/window_hours", -24)

test_future if not query_limits.satisfied with input as having("/query/ends_in_future", true)

test_begins_tomorrow if not query_limits.satisfied with input as having("/query/starts_days_ago", -1)

test_too_far_back if not query_limits.satisfied with input as having("/query/starts_days_ago", 366)

test_too_many_records if not query_limits.satisfied with input as having("/query/limit", 501)

test_no_records if not query_limits.satisfied with input as having("/query/limit", 0)

test_unknown_kind if not query_limits.satisfied with input as having("/query/kind", "convoy")

test_no_plate if not query_limits.satisfied with input as having("/query/literal_characters", 0)

test_nothing_but_wildcards if not query_limits.satisfied with input as changed([{"op": "add", "path": "/query/wildcards", "value": 1}, {"op": "add", "path": "/query/literal_characters", "value": 0}])

test_too_little_plate if not query_limits.satisfied with input as changed([{"op": "add", "path": "/query/wildcards", "value": 2}, {"op": "add", "path": "/query/literal_characters", "value": 4}])

test_too_many_wildcards if not query_limits.satisfied with input as changed([{"op": "add", "path": "/query/wildcards", "value": 4}, {"op": "add", "path": "/query/literal_characters", "value": 7}])

test_plate_too_long if not query_limits.satisfied with input as having("/query/literal_characters", 11)

test_negative_wildcards if not query_limits.satisfied with input as having("/query/wildcards", -1)

test_half_a_wildcard if not query_limits.satisfied with input as having("/query/wildcards", 0.5)

test_place_without_cameras if not query_limits.satisfied with input as having("/query", {"kind": "place", "literal_characters": 0, "wildcards": 0, "plate_state": null, "window_hours": 2, "starts_days_ago": 3, "ends_in_future": false, "cameras": 0, "limit": 50})

test_place_with_too_many_cameras if not query_limits.satisfied with input as having("/query", {"kind": "place", "literal_characters": 0, "wildcards": 0, "plate_state": null, "window_hours": 2, "starts_days_ago": 3, "ends_in_future": false, "cameras": 11, "limit": 50})

test_place_for_too_long if not query_limits.satisfied with input as having("/query", {"kind": "place", "literal_characters": 0, "wildcards": 0, "plate_state": null, "window_hours": 49, "starts_days_ago": 3, "ends_in_future": false, "cameras": 2, "limit": 50})

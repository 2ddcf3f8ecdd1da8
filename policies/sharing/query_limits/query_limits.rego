# METADATA
# scope: package
# title: "No wider than the case needs"
# description: >-
#   Each kind of query has its limits: how many hours it spans, how far back it reaches, how many
#   cameras, how many characters of a plate are given, and how many reads it may return. A window must
#   run forward and must have begun; there is no watching of the future.
# related_resources:
#   - ref: https://www.cityofevanston.org/
#     description: "Evanston City Code, Title 1, Chapter 22"
# custom:
#   rules: [EV-7, TR-4]
#   citation: "City policy under Evanston City Code, Title 1, Chapter 22"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The query is wider than the city allows for its kind, or its window is empty, runs backwards or
#     reaches into the future.
#   remedy: >-
#     Ask for a shorter window that has already passed, fewer cameras, more characters of the plate, or
#     a smaller limit. GET /v1/agency names the limits.
#   review: none
package sharing.query_limits

# Each value is held from both sides: what is missing fails, and what is not a number is either below
# every number or above them all. The more wildcards, the more of the plate must be given.
satisfied if {
	caps := data.city.limits[input.query.kind]
	input.query.ends_in_future == false
	input.query.window_hours >= 1
	input.query.window_hours <= caps.window_hours
	input.query.starts_days_ago >= 0
	input.query.starts_days_ago <= caps.days_ago
	input.query.limit >= 1
	input.query.limit <= caps.records
	input.query.cameras >= caps.fewest_cameras
	input.query.cameras <= caps.cameras
	input.query.literal_characters >= caps.fewest_characters_by_wildcards[input.query.wildcards]
	input.query.literal_characters <= 10
}

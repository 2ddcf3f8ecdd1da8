# METADATA
# scope: package
# title: "One plate at a time for a body that enforces immigration law"
# description: >-
#   A body that also enforces immigration law has no direct, standing, bulk or hot-list access: each of its
#   requests is about one plate and is decided singly. All reads at a place, a plate with letters left
#   open, and whatever is derived from many reads are closed to it, whether it asks, is asked for, or is
#   named in the words.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "5 ILCS 805, Illinois TRUST Act"
# custom:
#   rules: [TR-4, IL-6]
#   citation: "5 ILCS 805/15(h)(1)"
#   verified: false
#   public: true
#   effective_on: "2025-01-13"
#   message: >-
#     The request is made by, for, or with a federal body that enforces immigration law, and asks for more
#     than the reads of one whole plate.
#   remedy: >-
#     None for this request. A new one may ask about one whole plate, for a named crime.
#   review: none
package sharing.bulk_access

import data.facts.immigration.no_body_takes_part

satisfied if no_body_takes_part

satisfied if {
	input.query.kind == "plate"
	input.query.wildcards == 0
}

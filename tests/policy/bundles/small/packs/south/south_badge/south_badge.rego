# METADATA
# title: A badge of the south
# description: What the south asks for besides.
# custom:
#   rules: [S-1]
#   citation: Made-up Southern Act, section 1
#   verified: false
#   public: true
#   effective_on: "2024-01-01"
#   message: The agency has no badge of the south.
#   remedy: None.
#   review: none
package packs.south.south_badge

default satisfied := false

satisfied if input.agency.id == "south-1"

# METADATA
# scope: package
# title: "No history of reads may be searched"
# description: >-
#   Reads that match no list are reported to be kept for three minutes. A store of past reads from fixed
#   cameras would then not be lawful, and no request to it either: an inference, not a statement of the
#   statute. The city's attorney must confirm this before it is relied on.
# related_resources:
#   - ref: https://gc.nh.gov/
#     description: "New Hampshire Revised Statutes, § 261:75-b"
# custom:
#   rules: [NH-2]
#   citation: "New Hampshire RSA 261:75-b, by inference; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     By inference from New Hampshire RSA 261:75-b, to be confirmed by the city's attorney, a history of reads
#     may not be kept, and none is released.
#   remedy: >-
#     None: no fact changes this answer while the city has selected this law.
#   review: none
package packs.new_hampshire.new_hampshire_store

# No rule makes it true: whatever is asked, the answer is no.
default satisfied := false

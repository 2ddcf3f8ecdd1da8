# METADATA
# scope: package
# title: "Not for laws against lawful health care"
# description: >-
#   No reads are shared to enforce a law that denies or interferes with reproductive or any other
#   lawful health care, gender-affirming care included. The law that is enforced counts, not the name
#   of the charge.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "625 ILCS 5/2-130, Illinois Vehicle Code"
# custom:
#   rules: [IL-2, IL-4]
#   citation: "625 ILCS 5/2-130(b)(1)"
#   verified: true
#   public: true
#   effective_on: "2024-01-01"
#   message: >-
#     The request is about lawful health care, or its words say so: pregnancy and its end, reproductive
#     care, or gender-affirming care.
#   remedy: >-
#     None: this purpose is closed by law. If the words were misread, the records unit can be told so,
#     and a new request must say what crime happened.
#   review: none
package sharing.health_care

satisfied if {
	is_string(input.purpose.category)
	input.purpose.category != "health_care"
	input.words.reviewed == true
	is_array(input.words.classes)
	not "health_care" in input.words.classes
}

# METADATA
# scope: package
# title: "An agency of another state has declared how it will use the reads"
# description: >-
#   A law-enforcement agency of another state must have signed, before anything is shared, a written
#   declaration that it will not use the reads in breach of the statute. That holds for an agency that
#   another one asks for too. A declaration never makes a forbidden purpose lawful.
# related_resources:
#   - ref: https://www.ilga.gov/
#     description: "625 ILCS 5/2-130, Illinois Vehicle Code"
# custom:
#   rules: [IL-3, IL-4]
#   citation: "625 ILCS 5/2-130(c)"
#   verified: true
#   public: true
#   effective_on: "2024-01-01"
#   message: >-
#     The agency, or the one that it asks for, is outside Illinois, or its state is not known, and no
#     written declaration of it is in force.
#   remedy: >-
#     Send the records unit the written declaration under 625 ILCS 5/2-130(c), signed and dated, with
#     the signer's name and title, before asking again.
#   review: none
package sharing.out_of_state_declaration

import data.facts.agency.may_receive
import data.facts.agency.nobody_or_a_stranger

satisfied if {
	may_receive(input.agency)
	end_requester_may_receive
}

end_requester_may_receive if nobody_or_a_stranger(input.end_requester)

end_requester_may_receive if may_receive(input.end_requester)

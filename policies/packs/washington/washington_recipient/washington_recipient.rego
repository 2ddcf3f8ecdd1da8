# METADATA
# scope: package
# title: "Reads stay with the agencies of Washington"
# description: >-
#   Washington's act of 2026 is reported to restrict sharing with other states and with federal agencies. How
#   far was not read, so that none receives reads. The city's attorney must confirm this before it is relied
#   on.
# related_resources:
#   - ref: https://app.leg.wa.gov/
#     description: "Washington SB 6002"
# custom:
#   rules: [WA-2]
#   citation: "Washington SB 6002 (2026), as reported; to be confirmed by the city's attorney"
#   verified: false
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The agency that asks, or the one that it asks for, is not a local or state agency of Washington. As
#     reported, to be confirmed by the city's attorney, sharing with others is restricted.
#   remedy: >-
#     None until the city's attorney has settled who else may receive reads. If the registry has the wrong
#     kind or state of your agency, ask the records unit to correct it.
#   review: none
package packs.washington.washington_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.washington, [])

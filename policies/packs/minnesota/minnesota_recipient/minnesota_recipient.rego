# METADATA
# scope: package
# title: "Who receives reads keeps the same written procedures"
# description: >-
#   Reads go to another agency only if it meets the same written procedures as the city. Which agencies do is
#   for the city to find out and to list.
# related_resources:
#   - ref: https://www.revisor.mn.gov/statutes/cite/13.824
#     description: "Minnesota Statutes, § 13.824"
# custom:
#   rules: [MN-2]
#   citation: "Minnesota Statutes § 13.824"
#   verified: true
#   public: true
#   effective_on: "2026-01-01"
#   message: >-
#     The city has not found that the agency that asks, and the one that it asks for, meet the same written
#     procedures.
#   remedy: >-
#     Send the records unit your written procedures on plate reads; once they were compared, the city can list
#     your agency.
#   review: none
package packs.minnesota.minnesota_recipient

import data.facts.recipients.allowed

satisfied if allowed(data.pack.minnesota, data.city.named_recipients.minnesota)

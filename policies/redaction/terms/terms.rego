# METADATA
# scope: package
# title: Under which terms reads leave
# description: >-
#   The version of the terms that each release carries.
package redaction.terms

version := data.city.redaction.terms

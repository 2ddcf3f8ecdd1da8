# METADATA
# scope: package
# title: Terms that travel with a release
# description: >-
#   The terms of use that the agency accepts with the records: the version in use, and its text, so that
#   whoever holds the records later can read what binds them.
package redaction.terms

text := concat("", ["Terms of use ", version, ": ", words]) if {
	version := data.city.redaction.terms_version
	words := data.city.redaction.terms[version]
	words != ""
}

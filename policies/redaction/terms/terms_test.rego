package redaction.terms_test

import data.facts.flawless_test.request
import data.redaction.terms

test_version if terms.version == "2026-01" with input as request

package redaction.retention_test

import data.facts.flawless_test.request
import data.redaction.retention

test_days if retention.days == data.city.reads_kept_days with input as request

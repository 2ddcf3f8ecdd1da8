package redaction.fields_test

import data.redaction.fields

test_plate if "plate" in fields.allowed

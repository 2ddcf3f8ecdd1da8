package redaction.fields

allowed := ["id", "captured_at", "plate"]

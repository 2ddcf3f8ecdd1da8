"""The schema's history, run by ``Database.migrate``; shipped in the wheel."""

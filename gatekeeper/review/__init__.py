"""The people of the city who look at denied requests: who they are, what they may do, how they prove it.

No Flask, no SQL: ``web/console`` shows it, ``store`` keeps it, the log commits it.
"""

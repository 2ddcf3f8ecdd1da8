"""Stands between a city's license-plate reads and everyone who asks for them.

The map, in the order in which one query passes through it:

- ``web``        HTTP in and out; OAuth; translates, decides nothing
- ``exchange``   one query from start to end; ``answer`` reads as the procedure
- ``policy``     the Rego engines behind one function; the law itself is in ``policies/``
- ``ledger``     the tamper-evident log: durable before anything leaves, provable to outsiders
- ``records``    plate-read stores, read-only
- ``store``      the city's own state: agencies, credentials, queries, reviews, stops
- ``oversight``  the city's hand on the switch; who is registered; what somebody must look at
- ``review``     people rule on what was denied
- ``court``      what one query or period comes to on paper
- ``revisions``  the law changes: proposed, checked, replayed, approved, put into force
- ``purge``      erasure at the end of the city's retention, and what is held beyond it
- ``recovery``   backup, and a restore that cannot make the log forget
- ``notices``    an agency is told that its review has moved
- ``witness``    others who vouch that the log shows everybody one history
- ``cli``        the operator's commands

``app`` joins the parts for a worker, ``state`` and ``parts`` open them, ``settings`` says how, ``remembered``
holds what need not be worked out twice, ``hardware`` and ``private_keys`` hold keys, ``cells`` writes tables
that no spreadsheet runs, ``whole`` writes a file whole or not at all, and ``errors`` is the one family of
errors, which imports nothing.
"""

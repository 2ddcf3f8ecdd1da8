"""The tamper-evident log: what was decided and released, provable to people who do not trust us.

Guarantees: an entry that was acknowledged is on disk, has the index it was given and can be proved to lie
under a signed checkpoint; nothing private is in an entry; what changes, drops, reorders or forks the log is
found by `verify`, and by tools that we did not write (RFC 6962 tree, RFC 8785 entries, C2SP checkpoints,
tiles and proofs).

The map, in the order in which one append passes through it:

- ``clock``        the time of an entry, or a refusal to tell one
- ``canonical``    one byte string per JSON value (RFC 8785)
- ``commitments``  salted promises about what an entry must not say in clear
- ``detail``       the private detail beside an entry, under a key per day that can be destroyed
- ``entries``      the closed list of events, their schemas, and the sealing of one entry
- ``merkle``       the tree: pure functions (RFC 6962)
- ``checkpoint``   signed tree heads (C2SP tlog-checkpoint)
- ``append``       group commit: rows and entries in one transaction, then the proof
- ``tiles``        the tree's hashes as static files (C2SP tlog-tiles)
- ``receipts``     what an asker takes home (C2SP tlog-proof)
- ``tail``         what is checked before the service starts
- ``verify``       what an auditor runs over the whole log
"""

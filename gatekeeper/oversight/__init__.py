"""The city's own hand: who may ask at all, the switch that stops sharing, and what somebody must look at.

- ``stops``, ``unlogged``: the switch, which depends on no policy
- ``agencies``, ``closing``: an agency's standing, suspended, reinstated, closed
- ``registering``, ``issuers``, ``issuer_terms``: agencies, clients, keys, identity providers, entered
- ``changes``, ``changing``: such a change, made by one person or proposed and confirmed by two
- ``officers``: officers who may not ask
- ``signing``, ``signable``, ``documents_signed``: an agency's signatory signs by a one-time link
- ``alerts``, ``patterns``, ``key_warnings``: what needs somebody, how agencies ask, which keys end
- ``checks``, ``search``, ``figures``, ``log_period``, ``periods``: the log, looked into by staff
- ``denials``, ``sampling``: what provisions did, and whether what was permitted was right

Guarantees: what shuts out takes one person and counts at once, a stop even while the log takes no entry;
whatever lets in is an entry of the log before it counts.
"""

"""Witnesses: others who vouch that a log shows everybody the same history, and never takes any of it back.

A log can sign two histories, one for each listener. A witness (a partner city, a newspaper, the attorney
general's office) remembers the largest tree that it saw of a log and signs only what continues it, so the
second history finds nobody who signs it (C2SP tlog-witness, tlog-cosignature, tlog-policy).

The map; first what asks, then what is asked:

- ``policy``    the file that names witnesses and says how many are enough
- ``rounds``    all witnesses are asked at once; who cosigned, who did not and why
- ``client``    one witness is asked, and its answer believed only if it holds
- ``wire``      a connection that is cut when the time is up
- ``protocol``  the request of add-checkpoint, read and written
- ``server``    the HTTP side of a witness
- ``keeper``    what a witness does with one checkpoint
- ``directory`` a witness's own files: its key, the logs it watches, what it last cosigned of each
"""

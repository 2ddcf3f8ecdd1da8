"""Backup while the gate serves, and a restore that cannot make the log forget.

Guarantees: a backup that has its manifest was read back and found whole; a restore changes nothing until all
that is known of the log's size was asked and fits; a log that would forget entries is not put in place; an
index that may be known outside is given again only to the entry that had it; after a restore sharing is
stopped until a person lifts the stop.

- ``manifest``  what stands beside a backup
- ``backup``    the procedure of one backup
- ``evidence``  who knows how large the log was
- ``copy``      a published copy of the log, in a directory or at an address
- ``lost``      what lost entries say, and which stops they set
- ``compared``  what is put back, compared with them
- ``written``   the one commit of a restore
- ``placing``   a whole database put in the place of another
- ``restore``   the procedure of one restore of a backup
- ``in_place``  the same for a database that is in its place already
"""

"""Erasure: private detail ends with the city's retention, and what a court needs does not.

- ``retention``   how long detail is kept, and up to which day an erasure may reach
- ``holds``       legal holds: placed, lifted and listed, each an entry of the log
- ``agreement``   the holds of the database are those of the log, or nothing is erased
- ``erase``       one erasure from its intent to its end, and again where one was killed
- ``keeping``     what an erasure keeps is sealed anew, and let go later
- ``timer``       the same, once an hour, by one process of the service
- ``outlook``     what it will erase next, and when
- ``interfaces``  what these ask of whoever stores the rows

Trusted with: the keys of private detail. Who can run it can erase what the city's retention has ended for,
and the log says so; no proof in the log needs what it erases.
"""

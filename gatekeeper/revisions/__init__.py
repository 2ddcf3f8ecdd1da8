"""Legal's life cycle of the law: changed, checked, tried on the past, approved by two, in force, undone.

- ``interfaces``  what it needs from the outside, and its values
- ``lifecycle``   the only way by which the law of a city changes
- ``approval``    who may approve what, and what an approval binds
- ``in_force``    the law of each request, as the registry says
- ``explain``     why one decision is as it is, statement by statement (``trace``: what is said of it)

Trusted with: which text is the law. Whoever could go around it would need two people's sign-in, the policy
key and the log.
"""

from gatekeeper.revisions.in_force import LawsInForce, SignedLaw
from gatekeeper.revisions.lifecycle import Lifecycle

__all__ = ["LawsInForce", "Lifecycle", "SignedLaw"]

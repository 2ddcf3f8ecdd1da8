"""Legal's life cycle of the law: changed, checked, tried on the past, approved by two, in force, undone.

- ``interfaces``    what it needs from the outside, and its values
- ``drafts``        what a person is writing (``examiner``: its faults, found apart)
- ``git_text``      the text in a git repository, read and written back
- ``lifecycle``     what people do about a revision: the only way by which the law of a city changes
- ``changes``       what one text changes in another (``line_changes``, ``data_changes``)
- ``apart``         a process of its own for what somebody typed
- ``checks``        whether a revision may be relied on: ``runs`` of its tests, ``deciding`` alike and in time
- ``replay``        whom it would have hit
- ``approval``      who may approve what, and what an approval binds
- ``succession``    which text is in force, and which comes after it
- ``past_texts``    the text that an entry of the log names, for somebody outside
- ``in_force``      the law of each request, as the registry says
- ``beside``        a candidate on live queries, without effect
- ``bench``         one request under several laws; ``explain`` why, statement by statement (``trace``)
- ``lexicon_text``  one term changed in the lexicon's own text (``past_words``: how often it was typed)

Trusted with: which text is the law. Whoever could go around it would need two people's sign-in, the policy
key and the log.
"""

from gatekeeper.revisions.in_force import LawsInForce, SignedLaw
from gatekeeper.revisions.lifecycle import Lifecycle

__all__ = ["LawsInForce", "Lifecycle", "SignedLaw"]

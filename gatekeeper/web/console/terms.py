"""Every term of the trade that a page uses, each with one sentence that explains it where it stands.

``parts.term("ori")`` writes a term that opens. Guarantees: a term is explained in this one place, so that it
is translated once; a page that uses one that is not here cannot be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from gatekeeper.web.console.languages import later


class Term(NamedTuple):
    """A term as pages write it, and what it means."""

    label: str
    meaning: str


TERMS: Final[Mapping[str, Term]] = {
    "affirmation": Term(
        later("Affirmation"),
        later(
            "What an agency signs before it may ask at all: that it will not use the reads to enforce "
            "civil immigration law."
        ),
    ),
    "agreement_287g": Term(
        later("287(g) agreement"),
        later(
            "A contract by which local officers do the work of federal immigration officers (8 USC "
            "1357(g)); every request under one is looked at by a person."
        ),
    ),
    "case_number": Term(
        later("Case number"),
        later(
            "The number of the agency's own file; one that could not be real (“n/a”, zeros) is not accepted."
        ),
    ),
    "civil_paper": Term(
        later("Civil immigration paper"),
        later(
            "A detainer (I-247A) or an administrative warrant (I-200, I-205): an immigration officer "
            "signs it, no judge approves it, and it counts as no legal process at all."
        ),
    ),
    "counsel": Term(
        later("Counsel"),
        later("The city's attorneys; where a provision says so, only they may rule."),
    ),
    "declaration": Term(
        later("Declaration"),
        later(
            "What an agency of another state signs under 625 ILCS 5/2-130(c): that it will not use the "
            "reads against immigrants or against lawful health care."
        ),
    ),
    "end_requester": Term(
        later("On behalf of: agency"),
        later("The agency and person for whom the asking agency asks; the law is applied to both of them."),
    ),
    "facts": Term(
        later("Facts it judged"),
        later("What the provision looked at when the request was denied, as it was recorded then."),
    ),
    "fusion_center": Term(
        later("fusion center"),
        later("An office that passes on what many agencies ask; it must always say for whom it asks."),
    ),
    "ledger_entry": Term(
        later("Ledger entry"),
        later(
            "One line of the public log that nobody can change or remove; it holds no plate, name or "
            "word, and an auditor can prove that it is there."
        ),
    ),
    "legal_process": Term(
        later("Legal process"),
        later(
            "A court's paper, such as a criminal warrant; it counts only once somebody here has seen a "
            "judge's signature on it."
        ),
    ),
    "live_key": Term(
        later("City's retention"),
        later(
            "Requests are compared by fingerprints under a key of their day; once a day is erased, nobody"
            " can tell any more what was asked on it."
        ),
    ),
    "marked": Term(
        later("Marked words"),
        later(
            "Words that the city's lexicon knows; they can only count against a request, but for those "
            "that say what happened."
        ),
    ),
    "nibrs": Term(
        later("Offense"),
        later(
            "The FBI's code for the crime that is investigated (NIBRS); 90Z stands for all other offenses."
        ),
    ),
    "ori": Term(
        later("ORI"),
        later("The FBI's number of a law-enforcement agency (Originating Agency Identifier)."),
    ),
    "plate_masked": Term(
        later("Target"),
        later(
            "What the reads are asked about; the plate is hidden until somebody gives a reason to see it,"
            " which is logged."
        ),
    ),
    "provision": Term(
        later("Provision"),
        later(
            "One rule of law or of the city's policy; a request is permitted only if every one of them is"
            " met."
        ),
    ),
    "rego": Term(
        later("The rule as it decides"),
        later(
            "The text by which the policy engine judges (in the language Rego); a request meets the "
            "provision if any block named “satisfied” holds."
        ),
    ),
    "ruling": Term(
        later("Ruling"),
        later(
            "A fact that a person gives to the policy about one provision of one request, for 72 hours; "
            "it releases nothing by itself."
        ),
    ),
    "standing": Term(
        later("Standing"),
        later("Whether the agency may use the system at all: active, suspended or closed."),
    ),
    "two_people": Term(
        later("Two people"),
        later(
            "The policy hears of this ruling only once two different people have made it, each within the"
            " last 72 hours."
        ),
    ),
    "unverified": Term(
        later("text not yet compared by counsel"),
        later("The city's attorney has not yet compared this provision with the text of the law."),
    ),
    "verify": Term(
        later("What it means to verify"),
        later(
            "To record that you saw a judge's signature on this very document: it then counts for this "
            "agency, target and window, and for nothing else."
        ),
    ),
}

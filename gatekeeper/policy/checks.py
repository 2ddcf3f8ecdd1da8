"""Run the policies that check the policies (``policies/checks/``) over all that a loaded bundle states.

The provisions of packs that the city has not selected are checked too: selecting one is then all it takes.
They say in Rego, where a lawyer can read and add to them, what every provision must state. The load's own
checks do not depend on them: a bundle whose checks are missing is refused here, not let through.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.audition import Audition
from gatekeeper.policy.bundle import Bundle
from gatekeeper.policy.layout import Json
from gatekeeper.policy.provisions import Provision

_SECONDS = 5.0  # of the processor, for one check


def run_checks(bundle: Bundle) -> None:
    """Raise BundleRefused with each sentence that a check says of the bundle, or if it has no checks."""
    names = sorted({PurePosixPath(path).stem for path in bundle.checks})
    if not names:
        raise BundleRefused(["policies/checks holds no checks: restore it from the shipped policies"])
    faults = _said(bundle, names)
    if faults:
        raise BundleRefused(faults)


def _said(bundle: Bundle, names: list[str]) -> list[str]:
    """Return what the checks say, in a process of their own: nobody has tried them."""
    described = json.dumps(_described(bundle))
    faults: list[str] = []
    with Audition(bundle.checks, {}) as audition:
        for name in names:
            said = audition.ask(f"data.checks.{name}.faults", described, seconds=_SECONDS).answer
            if isinstance(said, list):
                faults += [f"checks/{name}: {fault}" for fault in said]
            else:
                faults.append(f"checks/{name}: does not say its faults as a set of sentences")
    return faults


def _described(bundle: Bundle) -> Json:
    return {
        "provisions": [_provision(provision) for provision in bundle.written.values()],
        "in_force": [*bundle.provisions],
        "packs": bundle.data.get("pack", {}),
        "tests": [*sorted(bundle.tests)],
    }


def _provision(provision: Provision) -> Json:
    return {
        "code": provision.code,
        "pack": provision.pack,
        "title": provision.title,
        "description": provision.description,
        "rules": list(provision.rules),
        "citation": provision.citation,
        "verified": provision.verified,
        "public": provision.public,
        "effective_on": provision.effective_on.isoformat(),
        "message": provision.message,
        "remedy": provision.remedy,
        "review": provision.review,
        "two_people": provision.two_people,
        "related_resources": [resource.ref for resource in provision.related_resources],
        "path": provision.path,
    }

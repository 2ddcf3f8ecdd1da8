"""The law, loaded, and the two engines that apply it behind one function.

What happens to a policies directory, and then to the facts of one query, in order:

- ``layout``      read the files: plain, UTF-8, in known places
- ``rehearsal``   parse and decide worst cases in a child process (``stage``) first
- ``manifest``    the committed list of provisions, of all cities and of each pack
- ``packs``       which packs the city selected; an unknown one refuses the bundle
- ``provisions``  METADATA → catalogue
- ``syntax``      the parser's tree → what each rule refers to
- ``soundness``   the checks on it: closed builtins, no recursion, no reference to nothing
- ``bundle``      all of that in one load, with one digest
- ``archive``     the same bundle in OPA's format, and a file of it read back
- ``signing``     its signature, as OPA has it (``opa_digest``), and what must hold of one
- ``keyring``     the key that signs, in a file (``file_key``) or in hardware (``hardware_key``)
- ``engine``      facts → text; answer → Verdict; every failure → PolicyUnavailable
- ``embedded``    regorus, in this process; each engine is its thread's own (``held``)
- ``opa``         the OPA server, over ``wire``; ``opa_configuration`` is what it must be told

Trusted with: the decision. Who can change a bundle decides who sees reads: hence digest and revision.
"""

from gatekeeper.policy.archive import export, opa_bundle, opa_capabilities, packed, unpacked
from gatekeeper.policy.bundle import BUDGET_MS, Bundle, load, load_files, shipped_policies, trial
from gatekeeper.policy.embedded import Embedded
from gatekeeper.policy.engine import Engine, Verdict, verdict_of
from gatekeeper.policy.layout import Files, files_of, tree_digest
from gatekeeper.policy.provisions import Catalogue, Provision, RelatedResource

__all__ = [
    "BUDGET_MS",
    "Bundle",
    "Catalogue",
    "Embedded",
    "Engine",
    "Files",
    "Provision",
    "RelatedResource",
    "Verdict",
    "export",
    "files_of",
    "load",
    "load_files",
    "opa_bundle",
    "opa_capabilities",
    "packed",
    "shipped_policies",
    "tree_digest",
    "trial",
    "unpacked",
    "verdict_of",
]

"""The arrows between the packages: who may import whom, and who makes the values that say "permitted"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "gatekeeper"
FOREIGN = {"flask", "sqlalchemy", "requests", "marshmallow", "authlib", "gunicorn", "werkzeug"}
MAY: dict[str, set[str]] = {
    "errors": set(),
    "remembered": set(),
    "cells": set(),
    "whole": set(),
    "ledger": {"errors", "whole", "private_keys", "hardware"},
    "records": {"errors", "sqlalchemy"},
    "private_keys": {"errors", "whole"},
    "hardware": {"errors"},
    "policy": {"errors", "remembered", "whole", "private_keys", "hardware", "requests"},
    "store": {"errors", "whole", "ledger", "sqlalchemy"},
    "exchange": {"errors", "remembered", "ledger", "policy", "records", "marshmallow"},
    "oversight": {"errors", "exchange", "ledger", "review", "whole"},
    "review": {"errors", "exchange", "ledger", "whole"},
    "court": {"errors", "ledger", "review"},
    "revisions": {"errors", "cells", "remembered", "whole", "ledger", "policy", "exchange", "review"},
    "notices": {"errors", "cells", "ledger"},
    "witness": {"errors", "whole", "ledger", "flask", "werkzeug", "requests"},
    "witness/protocol": {"errors"},
    "witness/directory": {"errors", "whole", "ledger"},
    "witness/keeper": {"ledger", "witness"},
    "witness/server": {"errors", "witness", "flask", "werkzeug"},
    "witness/wire": {"requests"},
    "witness/client": {"errors", "ledger", "witness", "requests"},
    "witness/policy": {"errors", "ledger", "witness"},
    "witness/rounds": {"errors", "ledger", "witness"},
    "witness/witnessing": {"errors", "ledger", "witness"},
    "recovery": {"errors", "whole", "ledger", "store", "oversight", "witness", "requests"},
    "recovery/manifest": {"errors", "whole"},
    "recovery/backup": {"errors", "whole", "ledger", "recovery", "store"},
    "recovery/copy": {"errors", "ledger", "witness", "requests"},
    "recovery/evidence": {"errors", "ledger", "store", "witness"},
    "recovery/placing": {"errors", "store"},
    "recovery/lost": {"ledger", "store"},
    "recovery/compared": {"errors", "ledger", "recovery", "store", "witness"},
    "recovery/written": {"ledger", "oversight", "recovery", "store"},
    "recovery/restore": {"errors", "ledger", "recovery", "store"},
    "recovery/in_place": {"errors", "ledger", "recovery", "store"},
    "purge": {"errors", "exchange", "ledger", "review"},
    "web": {
        "errors",
        "cells",
        "whole",
        "private_keys",
        "hardware",
        "exchange",
        "ledger",
        "policy",
        "records",
        "oversight",
        "review",
        "revisions",
        "notices",
        "purge",
        "witness",
        "flask",
        "werkzeug",
        "marshmallow",
        "authlib",
    },
}
MAKERS = {
    "Caller": "exchange/authenticate.py",
    "Query": "exchange/parse.py",
    "Permit": "exchange/decide.py",
    "Denial": "exchange/decide.py",
    "Release": "exchange/redact.py",
}


def _imports(path: Path) -> Iterator[str]:
    """Yield the package (of ours) or library that each import names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case _:
                continue
        for module in modules:
            head, _, rest = module.partition(".")
            if head == "gatekeeper" and rest:
                yield rest.partition(".")[0]
            elif head in FOREIGN:
                yield head


@pytest.mark.parametrize("package", sorted(MAY))
def test_no_package_imports_what_its_layer_forbids(package: str) -> None:
    """An arrow against the direction would let the web decide, or the exchange reach the database."""
    files = sorted((ROOT / package).rglob("*.py")) or [ROOT / f"{package}.py"]
    allowed = MAY[package] | {package}
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in _imports(path)
        if name not in allowed
    }
    assert set() == found


@pytest.mark.parametrize("value", sorted(MAKERS))
def test_each_licence_has_one_maker(value: str) -> None:
    """A second place that makes a Permit would be a way around the policy."""
    makers = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == value
    }
    assert {MAKERS[value]} == makers


def test_errors_import_nothing_of_ours() -> None:
    """Any module may raise any error; so errors may need none of them."""
    assert [] == list(_imports(ROOT / "errors.py"))

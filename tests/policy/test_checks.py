"""The policies that check the policies run on the real catalogue, and a bundle without them is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.errors import BundleRefused
from gatekeeper.policy import Bundle, Catalogue, load, shipped_policies
from gatekeeper.policy.checks import run_checks


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return the shipped law."""
    return load(shipped_policies())


def test_the_shipped_law_passes_its_own_checks(bundle: Bundle) -> None:
    """No sentence is said of it."""
    run_checks(bundle)


def test_an_empty_remedy_is_named(bundle: Bundle) -> None:
    """A denial without a cure helps nobody."""
    code = bundle.provisions[0]
    written = Catalogue([replace(p, remedy="") if p.code == code else p for p in bundle.written.values()])
    with pytest.raises(BundleRefused) as refused:
        run_checks(replace(bundle, written=written))
    assert any(code in fault and "remedy" in fault for fault in refused.value.faults)


def test_a_pack_that_is_off_is_checked_too(bundle: Bundle) -> None:
    """Selecting a pack must not be the moment at which its provisions turn out to lack something."""
    code = next(code for code in bundle.written if code not in bundle.provisions)
    written = Catalogue([replace(p, message="") if p.code == code else p for p in bundle.written.values()])
    with pytest.raises(BundleRefused) as refused:
        run_checks(replace(bundle, written=written))
    assert any(code in fault and "message" in fault for fault in refused.value.faults)


def test_a_pack_that_reads_like_the_law_is_named(bundle: Bundle) -> None:
    """A provision from memory cannot call itself compared with the text of the law."""
    said = {code: replace(p, verified=True) for code, p in bundle.written.items() if code == "vermont_record"}
    written = Catalogue([said.get(code, p) for code, p in bundle.written.items()])
    with pytest.raises(BundleRefused) as refused:
        run_checks(replace(bundle, written=written))
    fault = "vermont_record: verified does not agree with certainty.required_log_fields of its pack"
    assert (f"checks/packs: {fault}",) == refused.value.faults


def test_no_checks_is_not_a_pass(bundle: Bundle) -> None:
    """Deleting the checks must not be a way to satisfy them."""
    with pytest.raises(BundleRefused):
        run_checks(replace(bundle, checks={}))


def test_a_check_that_fails_is_not_a_pass(bundle: Bundle) -> None:
    """A check without `faults` says nothing about anything."""
    with pytest.raises(BundleRefused):
        run_checks(replace(bundle, checks={"checks/empty.rego": "package checks.empty\n\nx := 1\n"}))

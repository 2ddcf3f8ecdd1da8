"""What a loaded bundle is: its digest, its catalogue, its export, its trial."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.errors import BundleRefused, PolicyUnavailable
from gatekeeper.policy import Bundle, Embedded, export, load, opa_capabilities, shipped_policies, trial
from gatekeeper.policy.layout import Json
from gatekeeper.policy.packs import Idle
from tests.policy.laws import SMALL, SMALL_PERMITTED, small


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the small law that a test may change."""
    return Path(shutil.copytree(SMALL, tmp_path / "law"))


def _deciding(bundle: Bundle) -> list[str]:
    data = [f"data/{name}.json" for name in bundle.data if name != "pack"]
    data += [f"packs/{name}/pack.json" for name in ("north", "south")]
    return [
        *bundle.modules,
        *data,
        *(f"schema/{name}.json" for name in bundle.schemas),
        ".manifest",
        "capabilities.json",
    ]


def test_one_byte_changes_the_digest(copy: Path) -> None:
    """A space in any file that can change a decision makes another revision."""
    seen = {small().digest}
    for path in _deciding(small()):
        (copy / path).write_text((copy / path).read_text() + "\n")
        bundle = load(copy)
        assert bundle.digest not in seen, path
        assert bundle.revision == f"small-1+{bundle.digest.removeprefix('sha256:')[:12]}"
        seen.add(bundle.digest)


def test_tests_are_outside_the_digest(copy: Path) -> None:
    """What cannot change a decision does not make a new revision of the law."""
    test = copy / "sharing/standing/standing_test.rego"
    test.write_text(test.read_text() + "\ntest_more if true\n")
    (copy / "README.md").write_text("About this law\n")
    assert small().digest == load(copy).digest


def test_catalogue_in_manifest_order() -> None:
    """The catalogue quotes METADATA, in the order of the manifest."""
    catalogue = small().catalogue
    assert list(catalogue) == ["standing", "purpose"]
    assert catalogue["purpose"].rules == ("T-2", "T-3")
    assert catalogue["purpose"].review == "staff"
    assert not catalogue["purpose"].two_people
    assert catalogue["standing"].related_resources[0].ref == "https://example.test/standing"
    assert catalogue["standing"].effective_on.isoformat() == "2024-01-01"


def _selecting(copy: Path, state: str, *packs: str) -> Bundle:
    city = json.loads((copy / "data/city.json").read_text())
    (copy / "data/city.json").write_text(json.dumps(city | {"state": state, "packs": list(packs)}))
    return load(copy)


def test_a_city_has_the_provisions_of_its_packs(copy: Path) -> None:
    """What a pack adds is asked for after what binds every city, and only where the pack is selected."""
    assert ("standing", "purpose") == small().provisions
    assert ("north",) == small().packs
    south = _selecting(copy, "SS", "south")
    assert ("standing", "purpose", "south_badge") == south.provisions
    assert ["standing", "purpose", "south_badge"] == list(south.catalogue)
    assert "south" == south.catalogue["south_badge"].pack
    assert south.catalogue["standing"].pack is None
    assert south.digest != small().digest
    unmet = Embedded(south).evaluate(SMALL_PERMITTED).unmet
    assert ("south_badge",) == unmet


def test_a_pack_that_is_off_is_written_all_the_same() -> None:
    """The law of a pack that the city did not select is checked, and not in force."""
    assert ["standing", "purpose", "south_badge"] == list(small().written)
    assert ["standing", "purpose"] == list(small().catalogue)


def test_what_is_idle_is_left_out_of_the_embedded_engine_alone(copy: Path) -> None:
    """The rules of a pack that is off are dead, so leaving them out changes no answer; OPA has them all."""
    kept = small().idle.left_out_of(small().modules)
    assert {"packs/south/south_badge/south_badge.rego"} == small().modules.keys() - kept.keys()
    assert "south_badge" in small().modules["main/main.rego"]
    assert "south_badge" not in kept["main/main.rego"]
    unchanged = {path for path, text in kept.items() if small().modules[path] == text}
    assert {"main/main.rego"} == kept.keys() - unchanged
    south = _selecting(copy, "SS", "south")
    assert dict(south.modules) == south.idle.left_out_of(south.modules)
    whole = replace(small(), idle=Idle())
    for facts in (SMALL_PERMITTED, {**SMALL_PERMITTED, "agency": {"id": "south-1", "status": "closed"}}):
        assert Embedded(whole).evaluate(facts) == Embedded(small()).evaluate(facts)


def test_a_pack_that_is_idle_and_selected_all_the_same_is_no_answer() -> None:
    """Were the data ever those of another city, nothing could prove what its pack adds."""
    city = small().data["city"]
    assert isinstance(city, dict)
    data: dict[str, Json] = {**small().data, "city": {**city, "packs": ["south"]}}
    with pytest.raises(PolicyUnavailable):
        Embedded(replace(small(), data=data)).evaluate(SMALL_PERMITTED)


def test_an_answer_without_the_pack_is_no_answer(copy: Path) -> None:
    """An engine that holds the data of a city without the pack proves too little to be believed."""
    south = _selecting(copy, "SS", "south")
    without = replace(south, data={**south.data, "city": small().data["city"]})
    with pytest.raises(PolicyUnavailable):
        Embedded(without).evaluate(SMALL_PERMITTED)


def test_bundle_cannot_be_changed() -> None:
    """A loaded law is read-only: its digest would no longer be true."""
    with pytest.raises(TypeError):
        small().modules["main/main.rego"] = ""  # type: ignore[index]


def test_export_is_reproducible(tmp_path: Path) -> None:
    """Two exports of one law are the same bytes, with the revision that an answer's provenance must state."""
    export(small(), tmp_path / "a.tar.gz")
    export(load(SMALL), tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress((tmp_path / "a.tar.gz").read_bytes()))) as archive:
        names = archive.getnames()
        manifest = json.loads(archive.extractfile(".manifest").read())  # type: ignore[union-attr]
        data = json.loads(archive.extractfile("data.json").read())  # type: ignore[union-attr]
    assert sorted([".manifest", "data.json", *small().modules]) == names
    assert small().revision == manifest["revision"]
    assert manifest["roots"] == [""]
    assert small().data == data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "b.tar.gz"]


def test_export_with_tests(tmp_path: Path) -> None:
    """Tests travel only when asked for."""
    export(small(), tmp_path / "a.tar.gz", tests=True)
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert set(small().tests) <= set(archive.getnames())


def test_opa_capabilities_are_the_closed_list() -> None:
    """OPA's checker is given the list, the operators, and no network."""
    current = {
        "builtins": [{"name": n} for n in ("count", "http.send", "eq", "rand.intn")],
        "features": ["rego_v1"],
    }
    reduced = opa_capabilities(small(), current)
    assert [builtin["name"] for builtin in reduced["builtins"]] == ["count", "eq"]
    assert reduced["allow_net"] == []


def test_trial_measures_and_is_quick() -> None:
    """A sound law passes its trial well inside the budget; an impossible budget refuses it."""
    assert 0 < trial(small()) < 250
    with pytest.raises(BundleRefused, match="the budget is"):
        trial(small(), budget_ms=0.0)


def test_shipped_law_loads() -> None:
    """The law that ships with this program passes every check of its own."""
    bundle = load(shipped_policies())
    assert len(bundle.provisions) == len(bundle.catalogue) >= 13

"""What takes two people takes two, whoever asks and whatever the database was made to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import CheckConstraint

from gatekeeper.cli.agency import entering as new_agency
from gatekeeper.cli.client import entering as new_client
from gatekeeper.cli.client import further
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.errors import LedgerUnavailable, OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.entries import schema_of
from gatekeeper.oversight.agencies import suspend
from gatekeeper.oversight.changes import ACTS, UNLESS_SAID, Change
from gatekeeper.oversight.changing import NOT_SO, NOT_TWICE, NOT_YOURS, OVER, VOID, Changing
from gatekeeper.oversight.issuers import Known, adding, exchanging, reinstating
from gatekeeper.parts import changing, issuers
from gatekeeper.policy import shipped_policies
from gatekeeper.store import StaffAccount, administration
from gatekeeper.store import staff as staff_rows
from gatekeeper.store.tables import agency_proposals
from tests.exchange.city import City
from tests.exchange.conftest import bundle, city
from tests.exchange.providers import Providers
from tests.exchange.test_issuers import terms as provider_terms
from tests.store.making import commit

__all__ = ["bundle", "city"]

AGENCY, OTHER = "sample-il-pd", "sample-wi-pd"
URL = "https://login.sheriff.example.gov"
WHY = "Letter of the chief of 3 November"


def _jwks() -> dict[str, Any]:
    return {"keys": [{**ECKey.generate_key("P-256").as_dict(private=False), "kid": "ec"}]}


@dataclass
class Office:
    """A city, its law's list, and its people."""

    city: City
    law: dict[str, Json] = field(default_factory=dict)
    late: timedelta = timedelta()

    @property
    def acts(self) -> Changing:
        """Return what changes, as each process has it."""
        made = changing(self.city.state, lambda: self.law)
        return replace(made, now=self.now)

    def now(self) -> datetime:
        """Return the time, as late as the test wants it."""
        return self.city.state.clock.now() + self.late

    def person(self, name: str, role: str = "records", agency_id: str | None = None) -> StaffAccount:
        """Add a member of staff."""
        made = StaffAccount(f"staff-{name}", f"{name}.sample", name, role, agency_id, "active", "x", b"")  # type: ignore[arg-type]
        commit(self.city.state.rows, staff_rows.add(made))
        return made

    def change(self, act: str) -> Change:
        """Return a change of one kind that can be made."""
        key = public_key(ECKey.generate_key("P-256").as_pem(private=False))
        match act:
            case "add_agency":
                return new_agency("maple-grove-pd", name="Maple Grove", kind="local", state_code="IL")
            case "add_client":
                return new_client(AGENCY, key=key, profile="fapi")
            case "add_key":
                made = new_client(AGENCY, key=key, profile="fapi")
                changing(self.city.state, dict).alone(made, by="operator")
                client = self.city.state.registry.client(str(made.content["client"]))
                assert client is not None
                return further(client, public_key(ECKey.generate_key("P-256").as_pem(private=False)))
            case "add_issuer":
                return adding(URL, self.terms())
            case "change_issuer" | "reinstate_issuer":
                Providers(self.city.state).add(URL, self.terms(), reason=WHY, by="operator")
                found = Known.of(self.city.state.registry.snapshot(), URL)
                if act == "change_issuer":
                    return exchanging(found, {"jwks": _jwks()})
                Providers(self.city.state).set_status(URL, "suspended", reason=WHY, by="operator")
                return reinstating(found)
            case "reinstate_agency":
                self.suspended()
                return Change("reinstate_agency", AGENCY)
            case "close_agency":
                return Change("close_agency", AGENCY)
            case "change_287g":
                flag: dict[str, Json] = {
                    "has_287g": True,
                    "source_287g": "Letter",
                    "looked_up_287g": "2026-11-02",
                }
                return Change("change_287g", AGENCY, flag)
            case _:
                return Change("change_agency", AGENCY, {"contacts": ["chief@sample.example"]})

    def terms(self) -> dict[str, Any]:
        """Return terms of an identity provider of two agencies."""
        named = {"agencies": [AGENCY, OTHER], "clients": {"app": self.city.clients[AGENCY]}}
        return {**provider_terms(self.city, **named), "jwks": _jwks()}

    def suspended(self) -> None:
        """Suspend the agency, as one person may at once."""
        found = self.city.state.registry.agency(AGENCY)
        assert found is not None
        also = self.acts.clearing(AGENCY)
        suspend(self.city.state.ledger, administration, found, reason=WHY, by="operator", also=also)

    def events(self) -> list[str]:
        """Return the events of agencies and credentials since the city was founded."""
        found = [entry.event for entry in self.city.state.rows.entries(0, 10_000)]
        since = found[found.index("policy.activated") :]
        return [event for event in since if event.startswith(("agency.", "credential.", "issuer."))]

    def write(self, statement: str) -> None:
        """Change the database behind the program's back."""
        with self.city.state.database.write() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
def office(city: City) -> Office:
    """A city whose law wants two people for everything on the list."""
    return Office(city, {"two_people_for": list(ACTS)})


def test_one_list_stands_wherever_it_is_written() -> None:
    """In the law's schema, in the log's, in the database, in the code."""
    law = json.loads((shipped_policies() / "schema" / "city.json").read_text("utf-8"))
    logged: Any = schema_of("agency.change_proposed")["properties"]
    (stored,) = [
        constraint.sqltext.text
        for constraint in agency_proposals.constraints
        if isinstance(constraint, CheckConstraint) and "act" in str(constraint.name)
    ]
    assert list(ACTS) == law["properties"]["two_people_for"]["items"]["enum"]
    assert list(ACTS) == logged["act"]["enum"]
    assert f"act IN ({', '.join(repr(act) for act in ACTS)})" == stored
    assert set(EVENTS) == set(ACTS)


EVENTS = {
    "add_agency": "agency.added",
    "change_agency": "agency.changed",
    "change_287g": "agency.changed",
    "reinstate_agency": "agency.reinstated",
    "close_agency": "agency.closed",
    "add_client": "credential.added",
    "add_key": "credential.key_added",
    "add_issuer": "issuer.added",
    "change_issuer": "issuer.changed",
    "reinstate_issuer": "issuer.reinstated",
}


def _all(snapshot: Any) -> tuple[Any, ...]:
    return snapshot.agencies(), snapshot.clients(), snapshot.issuers()


@pytest.mark.parametrize("act", ACTS)
def test_each_kind_takes_two_where_the_law_says_so(office: Office, act: str) -> None:
    """Nobody does it alone; the first changes nothing; the second does, and both are in the log."""
    change, first, second = office.change(act), office.person("robin"), office.person("lee", "legal")
    before = office.city.state.registry.snapshot()
    for person in (None, first):
        with pytest.raises(OperatorError):
            office.acts.alone(change, by="robin", person=person, reason=WHY)
    proposal_id = office.acts.propose(change, first, WHY)
    now = office.city.state.registry.snapshot()
    assert _all(before) == _all(now)
    with pytest.raises(OperatorError, match=NOT_TWICE[:20]):
        office.acts.confirm(proposal_id, first, WHY)
    done = office.acts.confirm(proposal_id, second, WHY)
    assert ["agency.change_proposed", EVENTS[act]] == office.events()[-2:]
    entry = office.city.events()[done.appended.index]
    said = office.city.state.ledger.detail_of(done.appended.index).openings
    assert (EVENTS[act], proposal_id) == (entry["event"], entry["proposal"])
    assert {"by": second.id, "proposed_by": first.id, "reason": WHY}.items() <= {
        name: each["value"] for name, each in said.items()
    }.items()
    after = office.city.state.registry.snapshot()
    assert _all(before) != _all(after)
    assert () == office.acts.waiting()
    with pytest.raises(OperatorError, match=OVER[:20]):
        office.acts.confirm(proposal_id, second, WHY)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("law", "wanted"),
    [
        ({}, UNLESS_SAID),
        ({"two_people_for": []}, frozenset()),
        ({"two_people_for": ["add_key", "close_agency"]}, frozenset({"add_key", "close_agency"})),
        # What cannot be read asks for two, and never for fewer.
        ({"two_people_for": "add_key"}, frozenset(ACTS)),
        ({"two_people_for": 1}, frozenset(ACTS)),
    ],
)
def test_how_many_it_takes_is_the_laws_to_say(
    office: Office, act: str, law: dict[str, Json], wanted: frozenset[str]
) -> None:
    """Where it says nothing, reinstating takes two and the rest one."""
    office.law, change = law, office.change(act)
    assert (act in wanted) is office.acts.takes_two(change)


def test_a_change_of_flag_and_contacts_is_both(office: Office) -> None:
    """Beside a flag that one person may change no contact is changed that takes two, nor the other way."""
    both = Change(
        "change_287g", AGENCY, {**office.change("change_287g").content, "contacts": ["x@sample.example"]}
    )
    for listed in ("change_agency", "change_287g"):
        office.law = {"two_people_for": [listed]}
        assert office.acts.takes_two(both)
    assert not office.acts.takes_two(office.change("change_agency"))


def test_a_law_that_cannot_be_read_changes_nothing(office: Office) -> None:
    """To suspend works all the same: it asks the law for nothing."""

    def unread() -> dict[str, Json]:
        raise OperatorError("the law cannot be read")

    broken = replace(office.acts, city=unread)
    with pytest.raises(OperatorError, match="cannot be read"):
        broken.alone(office.change("add_client"), by="operator")
    assert [] == office.events()
    found = office.city.state.registry.agency(AGENCY)
    assert found is not None
    also = broken.clearing(AGENCY)
    suspend(office.city.state.ledger, administration, found, reason=WHY, by="operator", also=also)
    assert ["agency.suspended"] == office.events()


VOIDING: dict[str, tuple[str, Callable[[Office, Change], object]]] = {
    "the agency's record": (
        "add_client",
        lambda office, _: changing(office.city.state, dict).alone(office.change("change_agency"), by="o"),
    ),
    "the agency was suspended": ("add_client", lambda office, _: office.suspended()),
    "the agency was closed": (
        "change_287g",
        lambda office, _: changing(office.city.state, dict).alone(office.change("close_agency"), by="o"),
    ),
    "the id was taken": (
        "add_agency",
        lambda office, change: changing(office.city.state, dict).alone(change, by="o"),
    ),
    "the client was revoked": (
        "add_key",
        lambda office, change: commit(
            office.city.state.rows, administration.revoke_client(str(change.content["client"]))
        ),
    ),
    "the issuer was given other keys": (
        "reinstate_issuer",
        lambda office, _: Providers(office.city.state).exchange_keys(URL, _jwks(), reason=WHY, by="o"),
    ),
    "the issuer was suspended": (
        "change_issuer",
        lambda office, _: Providers(office.city.state).set_status(URL, "suspended", reason=WHY, by="o"),
    ),
    "the issuer was removed": (
        "change_issuer",
        lambda office, _: Providers(office.city.state).set_status(URL, "removed", reason=WHY, by="o"),
    ),
    "the issuer was taken in by somebody else": (
        "add_issuer",
        lambda office, change: changing(office.city.state, dict).alone(change, by="o", reason=WHY),
    ),
    "an agency of the issuer was suspended": ("add_issuer", lambda office, _: office.suspended()),
    "a client came": (
        "close_agency",
        lambda office, _: changing(office.city.state, dict).alone(office.change("add_client"), by="o"),
    ),
}


@pytest.mark.parametrize(("act", "meanwhile"), VOIDING.values(), ids=VOIDING.keys())
def test_what_changed_since_voids_it(office: Office, act: str, meanwhile: Callable[..., object]) -> None:
    """The second person would confirm something else than the first proposed."""
    change, first, second = office.change(act), office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(change, first, WHY)
    meanwhile(office, change)
    before = office.events()
    with pytest.raises(OperatorError):
        office.acts.confirm(proposal_id, second, WHY)
    assert before == office.events()
    assert () == office.acts.waiting()


@pytest.mark.parametrize("agency_id", [AGENCY, OTHER])
def test_nobody_of_an_agency_that_an_issuer_speaks_for_decides_on_it(office: Office, agency_id: str) -> None:
    """Of any of them, as the first person or the second; but they may withdraw."""
    change, first, second = office.change("add_issuer"), office.person("robin"), office.person("lee", "legal")
    theirs = office.person("kim", agency_id=agency_id)
    with pytest.raises(OperatorError, match=NOT_YOURS[:20]):
        office.acts.propose(change, theirs, WHY)
    proposal_id = office.acts.propose(change, first, WHY)
    with pytest.raises(OperatorError, match=NOT_YOURS[:20]):
        office.acts.confirm(proposal_id, theirs, WHY)
    office.acts.confirm(proposal_id, second, WHY)
    assert URL == office.city.state.registry.snapshot().issuers()[0].url


@pytest.mark.parametrize("agencies", [None, [AGENCY], [AGENCY, OTHER, "sample-il-lab"], [OTHER, AGENCY]])
def test_an_issuer_is_of_the_agencies_that_its_change_names(office: Office, agencies: Any) -> None:
    """Or somebody of an agency that is not named could decide on it."""
    change = office.change("add_issuer")
    forged = replace(change, content={**change.content, "agencies": agencies})
    with pytest.raises(OperatorError, match="other agencies"):
        office.acts.propose(forged, office.person("robin"), WHY)


def test_to_suspend_and_to_remove_an_issuer_takes_one(office: Office) -> None:
    """Whatever the law says."""
    Providers(office.city.state).add(URL, office.terms(), reason=WHY, by="operator")
    acts = issuers(office.city.state)
    acts.end(URL, "suspended", reason=WHY, by="operator")
    acts.end(URL, "removed", reason=WHY, by="operator")
    assert ["issuer.added", "issuer.suspended", "issuer.removed"] == office.events()


def test_what_is_void_is_proposed_anew_and_what_waits_is_not(office: Office) -> None:
    """The void one is withdrawn by it."""
    first, second = office.person("robin"), office.person("lee", "legal")
    change = office.change("change_287g")
    void = office.acts.propose(change, first, WHY)
    with pytest.raises(OperatorError, match="proposed already"):
        office.acts.propose(change, second, WHY)
    changing(office.city.state, dict).alone(office.change("change_agency"), by="operator")
    with pytest.raises(OperatorError, match=VOID[:20]):
        office.acts.confirm(void, second, WHY)
    anew = office.acts.propose(change, first, WHY)
    assert ["withdrawn", "open"] == [one.state for one in office.acts.store.all(AGENCY)]
    office.acts.confirm(anew, second, WHY)
    found = office.city.state.registry.agency(AGENCY)
    assert found is not None
    assert found.has_287g


def test_seven_days_are_the_end_of_it(office: Office) -> None:
    """Whatever the database was made to say of them."""
    first, second = office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(office.change("add_client"), first, WHY)
    office.late = timedelta(days=7)
    assert () == office.acts.waiting()
    with pytest.raises(OperatorError, match=OVER[:20]):
        office.acts.confirm(proposal_id, second, WHY)
    office.write("UPDATE agency_proposals SET expires_at = '2099-01-01 00:00:00.000000+00'")
    with pytest.raises(OperatorError, match=OVER[:20]):
        office.acts.confirm(proposal_id, second, WHY)


@pytest.mark.parametrize(
    "column",
    [
        "act = 'change_agency'",
        "change_sha256 = 'aa'",
        "agency_id = 'sample-wi-pd'",
        "proposed_by = 'staff-ada'",
        "ref = 'agency_0000000000000000'",
        "basis_sha256 = 'aa'",
    ],
)
def test_a_proposal_that_was_altered_in_the_database_is_nobodys(office: Office, column: str) -> None:
    """The log has what was proposed, and by whom."""
    first, second = office.person("robin"), office.person("lee", "legal")
    office.person("ada", "counsel")
    proposal_id = office.acts.propose(office.change("close_agency"), first, WHY)
    office.write(f"UPDATE agency_proposals SET {column}")  # noqa: S608  a test's own
    before = office.events()
    for person in (first, second):
        with pytest.raises(OperatorError):
            office.acts.confirm(proposal_id, person, WHY)
    assert before == office.events()
    found = office.city.state.registry.agency(AGENCY)
    assert found is not None
    assert "active" == found.status


def test_what_was_erased_is_not_confirmed(office: Office) -> None:
    """Nobody knows any more what it was."""
    first, second = office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(office.change("add_client"), first, WHY)
    office.write("DELETE FROM private_details WHERE event LIKE 'agency.change%'")
    with pytest.raises(OperatorError, match=NOT_SO[:20]):
        office.acts.said(office.acts.store.all()[0])
    assert () == office.acts.waiting()
    with pytest.raises(OperatorError):
        office.acts.confirm(proposal_id, second, WHY)


def test_what_was_sealed_anew_in_the_database_is_nobodys(office: Office) -> None:
    """And hides no other proposal."""
    first, second = office.person("robin"), office.person("lee", "legal")
    forged = office.acts.propose(office.change("add_client"), first, WHY)
    other = office.acts.propose(office.change("close_agency"), first, WHY)
    refs = {one.id: one.ref for one in office.acts.store.all()}
    office.write(f"DELETE FROM private_details WHERE ref = '{refs[forged]}'")  # noqa: S608  a test's own
    office.write(
        f"INSERT INTO private_details (ref, event, day, box) SELECT '{refs[forged]}', "  # noqa: S608
        f"event, day, box FROM private_details WHERE ref = '{refs[other]}'"
    )
    assert [other] == [one.id for one in office.acts.waiting()]
    with pytest.raises(OperatorError, match=NOT_SO[:20]):
        office.acts.confirm(forged, second, WHY)


@pytest.mark.parametrize(
    "left", ["status = 'removed'", "role = 'auditor'", f"agency_id = '{AGENCY}'"], ids=["gone", "role", "own"]
)
def test_who_may_no_longer_is_not_the_first_of_two(office: Office, left: str) -> None:
    """One person would be left who answers for it."""
    first, second = office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(office.change("add_client"), first, WHY)
    office.write(f"UPDATE staff SET {left} WHERE id = '{first.id}'")  # noqa: S608  a test's own
    with pytest.raises(OperatorError, match="may no longer"):
        office.acts.confirm(proposal_id, second, WHY)


def test_of_people_who_confirm_at_once_one_does(office: Office) -> None:
    """The others are told; it is done once, and in the log once."""
    proposal_id = office.acts.propose(office.change("add_client"), office.person("robin"), WHY)
    people = [office.person(f"lee{n}", "legal") for n in range(4)]
    start, ended = threading.Barrier(4), []

    def run(person: Any) -> None:
        start.wait()
        try:
            office.acts.confirm(proposal_id, person, WHY)
            ended.append("done")
        except OperatorError:
            ended.append("told")

    threads = [threading.Thread(target=run, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ["done", "told", "told", "told"] == sorted(ended)
    assert 1 == office.events().count("credential.added")


def test_what_moves_meanwhile_is_read_again_and_nothing_is_lost(office: Office) -> None:
    """Many changes of other agencies at once: each is made, or says that nothing was."""
    office.law = {"two_people_for": []}
    start, ended, said = threading.Barrier(4), list[int](), list[str]()

    def run(number: int) -> None:
        change = new_agency(f"maple-grove-{number}", name="Maple", kind="local", state_code="IL")
        start.wait()
        try:
            office.acts.alone(change, by="operator")
            ended.append(number)
        except OperatorError as refused:
            said.append(str(refused))

    threads = [threading.Thread(target=run, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = {one.id for one in office.city.state.registry.agencies()}
    assert {f"maple-grove-{number}" for number in ended} == {one for one in there if one.startswith("maple")}
    assert len(ended) == office.events().count("agency.added")
    assert all("nothing was changed" in each for each in said)


def test_without_the_log_nothing_is_proposed_or_done(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not logged is not done, and waits for nobody."""
    first, second = office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(office.change("add_client"), first, WHY)
    clients = office.city.state.registry.clients()

    def full(*_: object, **__: object) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(type(office.city.state.ledger), "append", full)
    for act in (
        lambda: office.acts.confirm(proposal_id, second, WHY),
        lambda: office.acts.withdraw(proposal_id, second, WHY),
        lambda: office.acts.propose(office.change("close_agency"), first, WHY),
    ):
        with pytest.raises(LedgerUnavailable):
            act()
    assert clients == office.city.state.registry.clients()
    assert [proposal_id] == [one.id for one in office.acts.waiting()]


def test_closing_ends_what_else_waits_and_so_does_suspending(office: Office) -> None:
    """None of it outlives what it was proposed for."""
    first, second = office.person("robin"), office.person("lee", "legal")
    office.acts.propose(office.change("add_client"), first, WHY)
    closing = office.acts.propose(office.change("close_agency"), first, WHY)
    office.acts.confirm(closing, second, WHY)
    assert ["done", "withdrawn"] == sorted(one.state for one in office.acts.store.all(AGENCY))


def test_a_secret_is_made_when_it_is_confirmed_and_is_nowhere_before(office: Office) -> None:
    """Whoever proposed it never had it."""
    first, second = office.person("robin"), office.person("lee", "legal")
    proposal_id = office.acts.propose(new_client(AGENCY, profile="basic"), first, WHY)
    assert "gks_" not in str(office.acts.said(office.acts.store.all()[0]))
    made = office.acts.confirm(proposal_id, second, WHY).made
    client = office.city.state.registry.client(made["client_id"])
    assert client is not None
    assert made["client_secret"].startswith("gks_")
    assert made["client_secret"] not in str(client)


def test_at_the_shell_nobody_reinstates_without_an_account(office: Office) -> None:
    """Also where one person is enough."""
    office.law, change = {"two_people_for": []}, office.change("reinstate_agency")
    with pytest.raises(OperatorError):
        office.acts.alone(change, by="operator", reason=WHY)
    person = office.person("robin")
    with pytest.raises(OperatorError):
        office.acts.alone(change, person=person, reason="")
    office.acts.alone(change, person=person, reason=WHY)
    found = office.city.state.registry.agency(AGENCY)
    assert found is not None
    assert "active" == found.status

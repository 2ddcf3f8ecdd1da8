"""``/v1/provisions`` and ``/v1/agency``: what is asked of an agency, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, cast

from flask import Blueprint, Response, request

from gatekeeper.errors import StoreUnavailable
from gatekeeper.exchange import Gate, admit
from gatekeeper.exchange.decide import affirmation_state, timestamp
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.exchange.quotas import OFFICER, Quotas
from gatekeeper.exchange.registrations import Client
from gatekeeper.exchange.respond import provision_json
from gatekeeper.ledger import Json
from gatekeeper.ledger.spending import left_in
from gatekeeper.policy import Provision
from gatekeeper.web.documents import as_json
from gatekeeper.web.presented import Presenting
from gatekeeper.web.shortcomings import days_left, shortcomings


class Place(Protocol):
    """A webhook of an agency, without what is sealed, and how the last try at it went."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def host(self) -> str:
        """The host of its address."""

    @property
    def status(self) -> str:
        """``active`` or ``disabled``."""

    @property
    def last_code(self) -> str | None:
        """How the last try went, or None before the first."""

    @property
    def last_at(self) -> datetime | None:
        """When that was."""


def standing_blueprint(
    gate: Gate, presenting: Presenting, places: Callable[[str], Sequence[Place]]
) -> Blueprint:
    """Return the routes by which an agency learns the law and its own standing."""
    blueprint = Blueprint("standing", __name__)

    @blueprint.get("/v1/provisions")
    def provisions() -> Response:
        admitted, *_ = admit(gate, presenting.of(request), None)
        bundle = admitted.law.bundle
        public = [_described(p) for p in bundle.catalogue.values() if p.public]
        policy: Json = {"revision": bundle.revision, "digest": bundle.digest}
        return as_json({"policy": policy, "provisions": cast("list[Json]", public)})

    @blueprint.get("/v1/agency")
    def agency() -> Response:
        admitted, caller, snapshot = admit(gate, presenting.of(request), None)
        own, client = snapshot.agency(caller.agency_id), snapshot.client(caller.client_id)
        if own is None or client is None:
            raise StoreUnavailable("the caller is not in the registry that it was authenticated by")
        city = admitted.law.bundle.data.get("city")
        return as_json(
            {
                **_registered(own),
                "affirmations": _affirmations(gate, own),
                "client": {
                    "client_id": client.id,
                    "profile": client.profile,
                    "scopes": list(client.scopes),
                },
                "clients": [_client(each) for each in snapshot.clients() if each.agency_id == own.id],
                "missing": shortcomings(own, snapshot.stops, gate.clock.now().date()),
                "limits": _limits(city if isinstance(city, dict) else {}),
                "quotas": _quotas(admitted, own),
                "webhooks": [_place(place) for place in places(own.id)],
            }
        )

    return blueprint


def _described(provision: Provision) -> dict[str, Json]:
    return {
        **provision_json(provision),
        "two_people": provision.two_people,
        "description": provision.description,
        "effective_on": provision.effective_on.isoformat(),
        "related_resources": [
            {"ref": resource.ref, "description": resource.description}
            for resource in provision.related_resources
        ],
    }


def _registered(agency: Agency) -> dict[str, Json]:
    return {
        "id": agency.id,
        "ori": agency.ori,
        "name": agency.name,
        "kind": agency.kind,
        "state": agency.state,
        "status": agency.status,
        "has_287g": agency.has_287g,
    }


def _affirmations(gate: Gate, agency: Agency) -> list[Json]:
    today = gate.clock.now().date()
    return [
        {
            "kind": signed.kind,
            "text_version": signed.text_version,
            "signed_on": signed.signed_on.isoformat(),
            "expires_on": None if signed.expires_on is None else signed.expires_on.isoformat(),
            "state": affirmation_state(signed, today),
            "days_left": days_left(signed.expires_on, today),
        }
        for signed in agency.affirmations
    ]


def _client(client: Client) -> Json:
    keys: list[Json] = [{"kid": key.kid, "alg": key.alg, "status": key.status} for key in client.keys]
    return {"client_id": client.id, "profile": client.profile, "status": client.status, "keys": keys}


def _place(place: Place) -> Json:
    return {
        "id": place.id,
        "host": place.host,
        "status": place.status,
        "last_code": place.last_code,
        "last_at": None if place.last_at is None else timestamp(place.last_at),
    }


def _quotas(gate: Gate, agency: Agency) -> Json:
    """Return what is left of the agency's own limits; its officers' are not told of to anybody else."""
    quotas = Quotas.of(gate.law.bundle.data, agency.id, agency.kind)
    limits = quotas.limits.values()
    used, now = gate.queries.spent(agency.id), gate.clock.now_ms()
    everybody, urgent = left_in(limits, used, now), left_in(limits, used, now, urgent=True)
    return [
        {
            "limit": one.limit.name,
            **{
                name: quotas.written[one.limit.name][name]
                for name in ("capacity", "refill", "per", "reserve")
            },
            **({} if one.limit.name == OFFICER else {"left": one.tokens, "left_for_urgent": all_.tokens}),
        }
        for one, all_ in zip(everybody, urgent, strict=True)
    ]


def _limits(city: dict[str, Json]) -> Json:
    limits = city.get("limits")
    return limits if isinstance(limits, dict) else {}

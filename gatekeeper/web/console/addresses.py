"""Where a person may be sent on to: a page of the console, nothing that a browser reads as another place.

Guarantees: what is returned begins with ``/console/``, holds no second slash, backslash or control character,
and is a page that is opened and not an act.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException

HOME: Final = "/console/"
"""Leads on to the first area that the person may open."""

_PAGE: Final = re.compile(r"/console/[A-Za-z0-9/_-]*(?:\?[A-Za-z0-9=&_.,%+-]*)?\Z")
_LONGEST: Final = 2000
_DOORS: Final = ("/console/sign-", "/console/proof", "/console/oidc", "/console/language")


def _page_or_home(address: str) -> str:
    """Return the address if it is a page of the console, else the way to the first area."""
    path = address.partition("?")[0]
    if len(address) > _LONGEST or not _PAGE.match(address) or "//" in path:
        return HOME
    adapter = current_app.create_url_adapter(request)
    try:
        if adapter is not None:
            adapter.match(path, method="GET")
    except HTTPException:
        return HOME
    return address


def following() -> str:
    """Return the page that this request's ``next`` names; a door leads to none of the doors."""
    wanted = request.values.get("next", "")
    return HOME if wanted.startswith(_DOORS) else _page_or_home(wanted)


def came_from() -> str:
    """Return the page that a form or a link of this request stood on."""
    stood = urlsplit(request.headers.get("Referer", ""))
    return _page_or_home(stood.path + (f"?{stood.query}" if stood.query else ""))

"""Every setting of the gatekeeper, in one frozen class; the README's table is kept equal to it by a test.

Guarantees: settings come from environment variables ``GATEKEEPER_*`` and from the file that
``GATEKEEPER_SETTINGS`` names (``NAME=value`` lines; the environment wins); any of them may be given as a file
by appending ``_FILE`` (for secrets). No setting can change a decision: what can is in the policy bundle
(``policies/data/city.json``), inside its digest. Unsafe values are refused with the way to cure them.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_type_hints
from urllib.parse import SplitResult, quote, urlsplit
from zoneinfo import available_timezones

from dotenv import dotenv_values
from environs import EnvError, FileAwareEnv

from gatekeeper.errors import SettingsRefused

PREFIX = "GATEKEEPER_"
PROFILES: Final[tuple[Literal["fapi", "private_key", "basic"], ...]] = ("fapi", "private_key", "basic")
"""How a client may be registered, the safest first: only tokens of ``fapi`` are of no use to a thief."""
_LAST_PORT = 65_535
_SHORTEST_SECRET = 32
_HOUR, _DAY = 3600, 86_400
_MOST_HOPS, _MOST_FAILURES = 10, 1_000_000
_LEAST_RETENTION, _MOST_RETENTION = 31, 36_500


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides. Each field is the variable ``GATEKEEPER_<NAME>``, with what it means."""

    data: Annotated[Path, "Directory of the embedded state: database, sample reads, keys"] = Path(
        "gatekeeper-data"
    )
    database_url: Annotated[str, "State: `sqlite:///FILE` or `postgresql://…`; empty: SQLite in DATA"] = ""
    records_url: Annotated[str, "Plate reads: an SQLAlchemy URL, opened read-only; empty: the sample"] = ""
    records_mapping: Annotated[str, "JSON file that maps the store's columns; empty: the sample's"] = ""
    records_login_cannot_write: Annotated[bool, "You vouch that the login of RECORDS_URL can only read"] = (
        False
    )
    records_timeout: Annotated[float, "Seconds that the store of reads may take"] = 5.0
    keys: Annotated[str, "Directory of keys (log, tokens, private detail by day); empty: DATA/keys"] = ""
    engine: Annotated[str, "`opa` or `embedded`; `serve` wants it said, the demo is embedded"] = ""
    opa_url: Annotated[str, "OPA server: `http(s)://host:port` or `unix:///path`"] = ""
    opa_timeout: Annotated[float, "Seconds that OPA may take for one decision"] = 1.0
    policies: Annotated[str, "Directory of policies that a new city begins with; empty: those shipped"] = ""
    policy_key: Annotated[
        str, "Key that signs policies: a PEM file or a `pkcs11:` URI; empty: KEYS/policy.pem"
    ] = ""
    key_passphrase: Annotated[
        str, "Passphrase of the keys of log, tokens and policies in files; better as a file; empty: none"
    ] = field(default="", repr=False)
    policy_max_age: Annotated[float, "Seconds that a node decides by a policy it could not verify again"] = (
        3600.0
    )
    bundle_token: Annotated[
        str, "What an OPA sends to fetch the law in force; better as a file; empty: KEYS/bundle.token"
    ] = field(default="", repr=False)
    bundle_certificates: Annotated[
        str, "SHA-256 fingerprints of the client certificates that may fetch it too; empty: none"
    ] = ""
    retention_days: Annotated[
        int,
        "Days that private detail is kept: 31 or more, and what the law's packs want; 0: erased by hand only",
    ] = 0
    base_url: Annotated[str, "Address that agencies use; it is the OAuth issuer"] = "http://127.0.0.1:8080"
    client_profiles: Annotated[
        str,
        "Profiles of clients that are served: `fapi`, and where the city switches them on `private_key` "
        "(whoever steals a token can use it) and `basic` (and whoever steals the secret)",
    ] = "fapi"
    log_origin: Annotated[str, "Name of a new log in its checkpoints; empty: made from BASE_URL"] = ""
    publish_every: Annotated[
        int,
        "Seconds between the checkpoints under `/ledger/`; 3600: the hours that are over; 0: at once; "
        "-1: 3600, or 0 where BASE_URL is this machine's own address",
    ] = -1
    published_copy: Annotated[
        str,
        "Directory that `gatekeeper ledger export` writes: a log that has less, or another history, is not "
        "served; empty: none",
    ] = ""
    bind: Annotated[str, "Address to listen on"] = "127.0.0.1"
    port: Annotated[int, "Port to listen on"] = 8080
    workers: Annotated[int, "Worker processes; 0: one for each core"] = 0
    threads: Annotated[int, "Threads of each worker"] = 6
    trusted_proxy: Annotated[str, "Address of the proxy whose forwarded headers count"] = "127.0.0.1"
    proxy_secret: Annotated[
        str, "What the proxy sends beside a client's certificate; empty: clients have no mutual TLS"
    ] = field(default="", repr=False)
    forwarded_hops: Annotated[
        int,
        "Proxies of yours that write X-Forwarded-For; 0: it is not read, and all behind one are one",
    ] = 1
    token_failures: Annotated[
        int, "Failed requests to `/oauth/*` of one address in a minute, then 429; 0: no brake"
    ] = 120
    time_zone: Annotated[str, "Time zone of the city's clocks, in which the console shows times"] = "UTC"
    oidc_issuer: Annotated[str, "Staff sign in with the identity provider of this issuer; empty: locally"] = (
        ""
    )
    oidc_client_id: Annotated[str, "What the identity provider knows the console as"] = ""
    oidc_client_secret: Annotated[str, "The console's secret at the identity provider"] = field(
        default="", repr=False
    )
    oidc_ca_file: Annotated[str, "Certificates that the identity provider's is checked with"] = ""
    oidc_local_sign_in: Annotated[bool, "Local accounts may sign in beside the provider (emergencies)"] = (
        False
    )
    smtp_url: Annotated[
        str, "Mail server for notices: `smtp+starttls://user@host`, `smtps://…`, `smtp://…`; empty: no mail"
    ] = ""
    smtp_password: Annotated[str, "Password of its user; better as a file"] = field(default="", repr=False)
    mail_from: Annotated[str, "Address that notices come from"] = ""
    webhook_networks: Annotated[
        str, "Private networks that webhooks may reach, as `10.20.0.0/16, fd00:1::/64`; empty: none"
    ] = ""
    webhook_ports: Annotated[str, "Ports that webhooks may reach"] = "443, 8443"
    key_set_networks: Annotated[
        str,
        "Private networks that clients' and issuers' key sets (`jwks_uri`) may be fetched from; empty: none",
    ] = ""
    ca_file: Annotated[
        str,
        "PEM file of further authorities for certificates of webhooks, key sets, witnesses and mail server",
    ] = ""
    witnesses: Annotated[
        str, "File of the witnesses that cosign checkpoints, in the form of C2SP tlog-policy; empty: none"
    ] = ""
    log_level: Annotated[str, "`debug`, `info`, `warning` or `error`"] = "info"

    @property
    def state_url(self) -> str:
        """Return the URL of the state database."""
        return self.database_url or _sqlite(self.data / "state.db")

    @property
    def reads_url(self) -> str:
        """Return the URL of the plate reads."""
        return self.records_url or _sqlite(self.data / "reads.db")

    @property
    def key_directory(self) -> Path:
        """Return the directory of keys."""
        return Path(self.keys) if self.keys else self.data / "keys"

    @property
    def issuer(self) -> str:
        """Return the OAuth issuer: the base URL without a slash at its end."""
        return self.base_url.rstrip("/")

    @property
    def profiles(self) -> frozenset[str]:
        """Return the profiles of clients that are served."""
        return frozenset(self.client_profiles.replace(",", " ").split())

    @property
    def on_loopback(self) -> bool:
        """Say whether agencies reach the gatekeeper on this machine alone, as in the demo."""
        return _loopback(urlsplit(self.issuer).hostname or "")

    @property
    def published_every(self) -> int:
        """Return the seconds between published checkpoints, 0 for each moment: as on a machine for trials."""
        return self.publish_every if self.publish_every >= 0 else (0 if self.on_loopback else _HOUR)

    @property
    def origin(self) -> str:
        """Return the log's origin line (C2SP tlog-checkpoint): a URL without its scheme."""
        return self.log_origin or urlsplit(self.issuer).netloc + urlsplit(self.issuer).path + "/ledger"

    def refuse_unsafe(self) -> None:
        """Check what ``serve`` would start with. Raises SettingsRefused naming each fault and its cure."""
        faults = [*_faults(self)]
        if faults:
            raise SettingsRefused("\n".join(faults))


def load(**overrides: Any) -> Settings:
    """Read the settings; *overrides* that are not None (from the command line) win.

    Raises SettingsRefused for an unknown variable, a value of the wrong type, or a file that cannot be read.
    """
    env = FileAwareEnv(prefix=PREFIX, strip_whitespace=True)
    given = {*os.environ}
    if file := os.environ.get(f"{PREFIX}SETTINGS"):
        if not Path(file).is_file():
            raise SettingsRefused(f"{PREFIX}SETTINGS names a file that is not there: {file}")
        env.read_env(file, recurse=False)
        given |= dotenv_values(file).keys()
    kinds = get_type_hints(Settings)
    _refuse_unknown(given, {name.upper() for name in kinds})
    readers: dict[type, Callable[..., Any]] = {
        Path: env.path,
        str: env.str,
        int: env.int,
        float: env.float,
        bool: env.bool,
    }
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        try:
            values[setting.name] = readers[kinds[setting.name]](setting.name.upper(), setting.default)
        except (EnvError, ValueError, OSError):
            kind = kinds[setting.name].__name__.lower()
            raise SettingsRefused(f"{PREFIX}{setting.name.upper()} must be a readable {kind}") from None
    return Settings(**(values | {name: value for name, value in overrides.items() if value is not None}))


def table() -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every setting, for the README and ``gatekeeper doctor``."""
    meanings = {n: get_args(hint)[1] for n, hint in get_type_hints(Settings, include_extras=True).items()}
    return [(PREFIX + f.name.upper(), str(f.default), meanings[f.name]) for f in fields(Settings)]


def _sqlite(file: Path) -> str:
    # Quoted: what follows a question mark in a directory's name is not an option of the database.
    return f"sqlite:///{quote(str(file.resolve()))}"


def _refuse_unknown(given: set[str], known: set[str]) -> None:
    """Refuse a misspelt variable: a limit that its operator believes in must not be ignored in silence."""
    allowed = known | {f"{name}_FILE" for name in known} | {"SETTINGS"}
    for variable in sorted(given):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in allowed and not name.startswith("TEST_"):
            raise SettingsRefused(f"{variable} is not a setting; see the table in README.md")


def _faults(settings: Settings) -> list[str]:
    faults = []
    url = _address(settings.issuer)
    if settings.engine not in {"opa", "embedded"}:
        faults.append(
            "the policy engine is not chosen: set GATEKEEPER_ENGINE=opa (with GATEKEEPER_OPA_URL) "
            "or GATEKEEPER_ENGINE=embedded; README.md tells what each is trusted with"
        )
    if settings.engine == "opa" and not settings.opa_url:
        faults.append("GATEKEEPER_ENGINE=opa needs GATEKEEPER_OPA_URL, as unix:///run/opa/opa.sock")
    if url is None or url.scheme not in {"http", "https"}:
        faults.append("GATEKEEPER_BASE_URL is not a web address alone: set it as https://alpr.example.gov")
    elif url.scheme == "http" and not _loopback(url.hostname or ""):
        faults.append("GATEKEEPER_BASE_URL is plain http: tokens would cross the network readable; use https")
    if not _loopback(settings.bind):
        faults.append(
            "GATEKEEPER_BIND is not a loopback address: TLS ends at the proxy in front; set 127.0.0.1"
        )
    if unknown := sorted(settings.profiles - set(PROFILES)):
        faults.append(
            f"GATEKEEPER_CLIENT_PROFILES names {', '.join(unknown)}: the profiles are {', '.join(PROFILES)}"
        )
    if not settings.profiles:
        faults.append("GATEKEEPER_CLIENT_PROFILES is empty: nobody could ask; set it to fapi")
    if settings.proxy_secret and len(settings.proxy_secret) < _SHORTEST_SECRET:
        faults.append(
            f"GATEKEEPER_PROXY_SECRET has under {_SHORTEST_SECRET} characters: openssl rand -hex 32, and the "
            "same in the proxy's X-Proxy-Secret"
        )
    if settings.time_zone not in available_timezones():
        faults.append("GATEKEEPER_TIME_ZONE is not a time zone: set its IANA name, as America/Chicago")
    return [*faults, *_number_faults(settings), *_provider_faults(settings)]


def _number_faults(settings: Settings) -> Iterator[str]:
    if settings.threads < 1 or settings.workers < 0:
        yield "GATEKEEPER_THREADS must be at least 1 and GATEKEEPER_WORKERS at least 0"
    if not 1 <= settings.port <= _LAST_PORT:
        yield "GATEKEEPER_PORT is not a port: set 1 to 65535, as 8080"
    if not 0 < settings.records_timeout <= 60 or not 0 < settings.opa_timeout <= 10:
        yield "GATEKEEPER_RECORDS_TIMEOUT must be 0-60 s and GATEKEEPER_OPA_TIMEOUT 0-10 s"
    if not 0 <= settings.forwarded_hops <= _MOST_HOPS or not 0 <= settings.token_failures <= _MOST_FAILURES:
        yield (
            f"GATEKEEPER_FORWARDED_HOPS must be 0 to {_MOST_HOPS}, and GATEKEEPER_TOKEN_FAILURES 0 to "
            f"{_MOST_FAILURES}"
        )
    if not -1 <= settings.publish_every <= _DAY:
        yield "GATEKEEPER_PUBLISH_EVERY must be 0 to 86400 s: the public must see the log each day"
    if settings.retention_days and not _LEAST_RETENTION <= settings.retention_days <= _MOST_RETENTION:
        yield (
            f"GATEKEEPER_RETENTION_DAYS must be {_LEAST_RETENTION} to {_MOST_RETENTION} days, or 0 for none: "
            "the history of a search is counted by the keys of 30 days"
        )


def _provider_faults(settings: Settings) -> Iterator[str]:
    issuer = settings.oidc_issuer
    if not issuer:
        if settings.oidc_client_id or settings.oidc_client_secret or settings.oidc_local_sign_in:
            yield "GATEKEEPER_OIDC_ISSUER is missing: set it as https://id.example.gov, or unset the others"
        return
    for name in ("client_id", "client_secret"):
        if not getattr(settings, f"oidc_{name}"):
            yield f"GATEKEEPER_OIDC_{name.upper()} is missing: register the console with the provider"
    try:
        url = urlsplit(issuer)
        plain = not url.query and not url.fragment and "@" not in url.netloc and issuer.isascii()
        known = plain and url.hostname and url.scheme in {"http", "https"} and url.port != 0
    except ValueError:
        known = False
    if not known:
        yield "GATEKEEPER_OIDC_ISSUER is not an issuer: as https://id.example.gov"
    elif url.scheme == "http" and not _loopback(url.hostname or ""):
        yield "GATEKEEPER_OIDC_ISSUER is plain http: who is on the way could sign in as anybody; use https"
    if settings.oidc_ca_file and not Path(settings.oidc_ca_file).is_file():
        yield "GATEKEEPER_OIDC_CA_FILE is not a file: name the PEM file of the provider's authority"


def _address(text: str) -> SplitResult | None:
    """Read a scheme and a host, with a port or without; None for anything else: tokens name their issuer."""
    try:
        url = urlsplit(text)
        alone = url.hostname and url.port != 0 and text == f"{url.scheme}://{url.netloc}" and "@" not in text
    except ValueError:
        return None
    return url if alone and text.isascii() and text.isprintable() and " " not in text else None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

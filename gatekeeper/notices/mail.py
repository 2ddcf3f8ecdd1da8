"""One try at one e-mail, through the city's own mail server (RFC 5321, submission by RFC 6409).

Guarantees: TLS is checked against the server's name, and where it was asked for nothing is sent without it; a
password crosses no plain connection; what the server says is kept as a word of ours, never its text. An
address that the server refuses for good is not tried again; a server that fails is.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

from gatekeeper.errors import SettingsRefused
from gatekeeper.notices.letter import letter, plain
from gatekeeper.notices.outcomes import DELIVERED, Agency, Delivery, Outcome, failing
from gatekeeper.notices.told import addresses, is_address

TIMEOUT_S: Final = 10.0
"""For each answer of the server; a message has about eight."""

_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class MailServer:
    """The city's mail server, and who we are to it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @classmethod
    def parse(cls, url: str, password: str) -> MailServer:
        """Read the settings. Raises SettingsRefused."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise SettingsRefused(
                "GATEKEEPER_SMTP_URL is not a mail server: set it as "
                "smtp+starttls://user@mail.example.gov:587, smtps://… or smtp://…"
            )
        if parts.password is not None:
            raise SettingsRefused(
                "GATEKEEPER_SMTP_URL holds a password: put it into a file, and set "
                "GATEKEEPER_SMTP_PASSWORD_FILE"
            )
        user = unquote(parts.username or "")
        if bool(user) != bool(password):
            raise SettingsRefused(
                "a mail server is given a user (in GATEKEEPER_SMTP_URL) and GATEKEEPER_SMTP_PASSWORD, or "
                "neither"
            )
        if user and parts.scheme == "smtp" and parts.hostname not in _LOCAL:
            raise SettingsRefused(
                "the password of the mail server would cross the network readable: use smtp+starttls:// or "
                "smtps://"
            )
        return cls(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], user, password)

    def connect(self, trust: ssl.SSLContext) -> smtplib.SMTP:
        """Return a session that is ready to take mail. Raises OSError (of which smtplib's are)."""
        if self.scheme == "smtps":
            session: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=trust)
        else:
            session = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        try:
            if self.scheme == "smtp+starttls":
                session.starttls(context=trust)
            if self.user:
                session.login(self.user, self.password)
        except BaseException:
            session.close()
            raise
        return session


@dataclass(frozen=True, slots=True)
class Mail:
    """The way to agencies' addresses."""

    server: MailServer
    sender: str
    city: str
    base_url: str
    trust: ssl.SSLContext

    def __post_init__(self) -> None:
        """Refuse a sender that is no address. Raises SettingsRefused."""
        if not is_address(self.sender):
            raise SettingsRefused(
                "GATEKEEPER_MAIL_FROM is not an address: set the one that notices come from, as "
                "alpr-no-reply@example.gov"
            )

    def send(self, delivery: Delivery, agency: Agency, at: datetime) -> Outcome:
        """Try one delivery."""
        del at
        recipient = delivery.recipient
        # Asked again: whoever left the agency since is told nothing more.
        if recipient is None or recipient not in addresses(agency.contacts):
            return Outcome("dropped", "not_a_contact")
        message = letter(delivery, agency, city=self.city, base_url=self.base_url, sender=self.sender)
        return self._handed(message, recipient)

    def post(self, recipient: str, subject: str, text: str, at: datetime) -> Outcome:
        """Try one message of another kind, once; *subject* is one line of ours."""
        message = plain(subject, text, city=self.city, sender=self.sender, at=at)
        return self._handed(message, recipient)

    def _handed(self, message: EmailMessage, recipient: str) -> Outcome:
        message["To"] = Address(addr_spec=recipient)
        try:
            session = self.server.connect(self.trust)
        except (OSError, ValueError) as fault:
            return failing(_code(fault))
        try:
            session.send_message(message, from_addr=self.sender, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            return _judged(next(iter(refused.recipients.values()))[0], "recipient")
        except smtplib.SMTPDataError as refused:
            return _judged(refused.smtp_code, "message")
        except (OSError, ValueError) as fault:
            return failing(_code(fault))
        finally:
            _left(session)
        return DELIVERED

    def fault(self) -> str | None:
        """Say in our words why the server would take no mail now, or None if it would."""
        try:
            _left(self.server.connect(self.trust))
        except (OSError, ValueError) as fault:
            return _code(fault)
        return None


def _left(session: smtplib.SMTP) -> None:
    """Take leave; what was accepted before stays so."""
    with suppress(OSError):
        session.quit()
    session.close()


def _judged(status: int, what: str) -> Outcome:
    """Tell a refusal for good (5yz) from one for now (4yz), RFC 5321 section 4.2.1."""
    if 500 <= status < 600:
        return Outcome("refused", f"{what}_refused")
    return Outcome("failed", f"{what}_deferred")


def _code(fault: Exception) -> str:
    """Name what was wrong with the server, in our words: its own may hold an address."""
    match fault:
        case ssl.SSLCertVerificationError():
            return "certificate_refused"
        case ssl.SSLError() | smtplib.SMTPNotSupportedError():
            return "tls_failed"
        case smtplib.SMTPAuthenticationError():
            return "sign_in_refused"
        case TimeoutError():
            return "timed_out"
        case smtplib.SMTPServerDisconnected():  # also of one that says nothing for too long
            return "connection_lost"
        case smtplib.SMTPException() | ValueError():
            return "mail_server_refused"
        case _:
            return "no_connection"

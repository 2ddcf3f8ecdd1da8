"""E-mail through a real mail server: what it says, and what a server that fails or lies gains."""

from __future__ import annotations

import email
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from gatekeeper.errors import SettingsRefused
from gatekeeper.notices import Mail, MailServer, letter
from gatekeeper.notices import mail as mailing
from gatekeeper.parts import mail, trust
from gatekeeper.settings import Settings
from gatekeeper.store import administration
from gatekeeper.store.values import Delivery, Notice
from tests.exchange.city import PLATE
from tests.notices.conftest import AGENCY, Authority, Told, free_port
from tests.store.making import agency, commit

SENDER = "alpr-no-reply@city.example"
CHIEF = "chief@agency.example"


@dataclass
class Post:
    """The city's mail server: what it took, and what it answers to a recipient or a message."""

    port: int = 0
    taken: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    slow: float = 0.0

    async def handle_RCPT(  # noqa: N802  aiosmtpd's names
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        """Take a recipient, or not."""
        said = self.rcpt.pop(0) if self.rcpt else "250 OK"
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        """Take a message, or not."""
        said = self.data.pop(0) if self.data else "250 OK"
        if said.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append((envelope.mail_from or "", [*envelope.rcpt_tos], message))
        return said


@contextmanager
def posting(port: int = 0, **options: Any) -> Iterator[Post]:
    """Serve mail on loopback."""
    post = Post(port or free_port())
    controller = Controller(post, hostname="127.0.0.1", port=post.port, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


def way(post: Post, scheme: str = "smtp", user: str = "", password: str = "", **changes: Any) -> Mail:
    """Return the way to addresses through that server."""
    server = MailServer.parse(f"{scheme}://{user and user + '@'}127.0.0.1:{post.port}", password)
    made = Mail(server, SENDER, "city.example", "https://alpr.city.example", ssl.create_default_context())
    return replace(made, **changes)


def contacts(told: Told, *addresses: str) -> None:
    """Register the agency's contacts."""
    commit(told.city.state.rows, administration.change_agency(AGENCY, contacts=addresses))


@pytest.fixture
def lettered(told: Told) -> Told:
    """A city that tells its agency by mail alone."""
    contacts(told, CHIEF)
    told.ways = {}
    return told


def test_a_letter_says_what_happened_and_what_to_do(lettered: Told) -> None:
    """Without anything that was typed; plain text, the same as HTML, and nothing for a machine to answer."""
    with posting() as post:
        lettered.ways["mail"] = way(post)
        query_id = lettered.denied()
        lettered.turns()
    ((sender, to, message),) = post.taken
    assert (SENDER, [CHIEF]) == (sender, to)
    assert [CHIEF] == [message["To"]]
    assert SENDER == message["From"]
    assert "auto-generated" == message["Auto-Submitted"]
    assert f"<{lettered.all()[0].id}@city.example>" == message["Message-ID"]
    assert query_id[:12] in message["Subject"]
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    for part in (plain.get_content(), rich.get_content()):
        assert query_id in part
        assert f"https://alpr.city.example/v1/queries/{query_id}" in part
        for private in (PLATE, "investigation", "Pat Example", "4411", "25-10494", "Sample Avenue"):
            assert private not in part
    assert abs(datetime.now(UTC) - message["Date"].datetime) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("event", "state", "said"),
    [
        ("review.asked", "needs_information", "ask you for more information"),
        ("review.answered", "queued", "has arrived"),
        ("review.ruled", "permitted", "valid_until"),
        ("review.ruled", "upheld", "let the denial stand"),
        ("review.answered", "upheld", "let the denial stand"),
        ("review.withdrawn", "queued", "taken back"),
        ("review.escalated", "escalated", "takes up again"),
        ("review.ruled", "escalated", "has moved on"),
        ("review.withdrawn", "withdrawn", "was withdrawn"),
        ("review.expired", "expired", "has expired"),
    ],
)
def test_each_move_has_its_words(event: str, state: str, said: str) -> None:
    """Whoever reads it knows what to do next."""
    notice = Notice("notice_1", "q" * 32, AGENCY, event, state, datetime.now(UTC))
    going = Delivery("msg_1", notice, "mail", "mail", CHIEF, "waiting", 1, notice.at, None, None)
    told = agency(AGENCY)
    written = letter.letter(going, told, city="city.example", base_url="https://x.example", sender=SENDER)
    plain = written.get_body(("plain",))
    assert plain is not None
    assert said in plain.get_content()


def test_each_contact_gets_its_own_and_sees_no_other(lettered: Told) -> None:
    """And what is no address gets none."""
    contacts(lettered, CHIEF, "desk@agency.example", "847-555-0100", "x@y.example\r\nBcc: all@z.example")
    with posting() as post:
        lettered.ways["mail"] = way(post)
        lettered.denied()
        lettered.turns()
    assert [[CHIEF], ["desk@agency.example"]] == sorted(to for _, to, _ in post.taken)
    for _, to, message in post.taken:
        assert to == [message["To"]]
        assert "z.example" not in message.as_string()


def test_a_recipient_refused_for_good_is_not_tried_again_and_one_deferred_is(lettered: Told) -> None:
    """The others get theirs all the same, and at once."""
    contacts(lettered, CHIEF, "desk@agency.example")
    with posting() as post:
        lettered.ways["mail"] = way(post)
        post.rcpt = ["550 5.1.1 no such user here: secret text", "451 4.7.1 greylisted"]
        lettered.denied()
        lettered.turns()
        assert {("given_up", "recipient_refused"), ("waiting", "recipient_deferred")} == {
            (d.state, d.last_code) for d in lettered.all()
        }
        lettered.late = timedelta(seconds=11)
        lettered.turns()
    assert {"given_up": 1, "delivered": 1} == lettered.reading.counts()
    assert 1 == len(post.taken)


def test_a_message_deferred_is_tried_again_under_the_same_id(lettered: Told) -> None:
    """By which the other side can tell that it has it already."""
    with posting() as post:
        lettered.ways["mail"] = way(post)
        post.data = ["451 4.3.0 later", "250 OK", "554 5.7.1 not this one"]
        lettered.denied()
        lettered.turns()
        (first,) = lettered.all()
        assert ("waiting", "message_deferred") == (first.state, first.last_code)
        lettered.late = timedelta(seconds=11)
        lettered.turns()
        assert f"<{first.id}@city.example>" == post.taken[0][2]["Message-ID"]
        lettered.denied()
        lettered.turns()
    assert ("given_up", "message_refused") == (lettered.all()[0].state, lettered.all()[0].last_code)


def test_a_server_that_is_down_stops_nothing_else(lettered: Told) -> None:
    """Queries are answered, webhooks go out, and the mail goes when it is back."""
    post = Post(free_port())
    lettered.ways["mail"] = way(post)
    began = time.monotonic()
    lettered.denied()
    assert time.monotonic() - began < 5
    lettered.denied()
    lettered.turns()
    assert {("waiting", "no_connection"), ("waiting", None)} == {
        (d.state, d.last_code) for d in lettered.all()
    }
    with posting(post.port) as back:
        lettered.late = timedelta(seconds=11)
        lettered.turns()
    assert 2 == len(back.taken)
    assert {"delivered": 2} == lettered.reading.counts()


def test_whoever_is_no_contact_any_more_gets_nothing(lettered: Told) -> None:
    """Removed between the two tries: the second is not made."""
    lettered.ways["mail"] = way(Post(free_port()))
    lettered.denied()
    lettered.turns()
    contacts(lettered, "desk@agency.example")
    with posting() as post:
        lettered.ways["mail"] = way(post)
        lettered.late = timedelta(minutes=1)
        lettered.turns()
    assert [] == post.taken
    assert [("dropped", "not_a_contact")] == [(d.state, d.last_code) for d in lettered.all()]


def test_starttls_with_the_citys_own_authority_and_a_password(lettered: Told, authority: Authority) -> None:
    """The password is said only inside TLS, and nothing goes out where the certificate is not believed."""
    known: list[tuple[bytes, bytes]] = []

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        known.append((given.login, given.password))
        return AuthResult(success=given.password == b"right", handled=False)

    believed = trust(replace(lettered.city.state.settings, ca_file=str(authority.ca_file)))
    with posting(
        tls_context=authority.server, require_starttls=True, authenticator=check, auth_required=True
    ) as post:
        lettered.denied()
        for password, trusted, code in (
            ("right", ssl.create_default_context(), "certificate_refused"),
            ("wrong", believed, "sign_in_refused"),
            ("right", believed, "delivered"),
        ):
            lettered.ways["mail"] = way(post, "smtp+starttls", "city", password, trust=trusted)
            lettered.turns()
            lettered.late += timedelta(minutes=10)
            assert code == lettered.all()[0].last_code
    assert (b"city", b"wrong") in known
    assert {b"right", b"wrong"} == {password for _, password in known}
    assert 1 == len(post.taken)


def test_tls_from_the_first_byte(lettered: Told, authority: Authority) -> None:
    """``smtps``."""
    believed = trust(replace(lettered.city.state.settings, ca_file=str(authority.ca_file)))
    port = free_port()
    with _smtps(port, authority) as post:
        lettered.ways["mail"] = way(post, "smtps", trust=believed)
        lettered.denied()
        lettered.turns()
    assert 1 == len(post.taken)


@contextmanager
def _smtps(port: int, authority: Authority) -> Iterator[Post]:
    post = Post(port)

    class Trusting(Controller):
        """Begins with a look at its own port, by a context that believes it."""

        def _trigger_server(self) -> None:
            believed = ssl.create_default_context(cafile=str(authority.ca_file))
            with (
                socket.create_connection(("127.0.0.1", port), 1.0) as plain,
                believed.wrap_socket(plain, server_hostname="127.0.0.1") as opened,
            ):
                opened.recv(1024)

    controller = Trusting(post, hostname="127.0.0.1", port=port, ssl_context=authority.server)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


def test_where_tls_was_asked_for_nothing_is_sent_without_it(lettered: Told) -> None:
    """A server (or whoever stands before it) that offers none gets no mail and no password."""
    with posting() as post:
        lettered.ways["mail"] = way(post, "smtp+starttls")
        lettered.denied()
        lettered.turns()
    assert [] == post.taken
    assert "tls_failed" == lettered.all()[0].last_code


@pytest.mark.parametrize(
    ("talk", "code"),
    [(b"", "connection_lost"), (b"554 no\r\n", "mail_server_refused"), (None, "connection_lost")],
    ids=["hangs up", "refuses", "says nothing"],
)
def test_a_server_that_is_not_well_is_tried_again(
    lettered: Told, monkeypatch: pytest.MonkeyPatch, talk: bytes | None, code: str
) -> None:
    """Whatever it says instead of a greeting."""
    from tests.notices.test_webhook import hostile  # noqa: PLC0415

    def answer(connection: Any) -> None:
        if talk is None:
            time.sleep(1)
        else:
            connection.sendall(talk)

    monkeypatch.setattr(mailing, "TIMEOUT_S", 0.3)
    talker: Callable[[Any], None] = answer
    with hostile(talker) as url:
        lettered.ways["mail"] = way(Post(int(url.rstrip("/").rpartition(":")[2])))
        lettered.denied()
        lettered.turns()
    assert ("waiting", code) == (lettered.all()[0].state, lettered.all()[0].last_code)


@pytest.mark.parametrize(
    ("url", "password", "sender", "cure"),
    [
        ("mail.example.gov", "", SENDER, "SMTP_URL"),
        ("http://mail.example.gov", "", SENDER, "SMTP_URL"),
        ("smtp://", "", SENDER, "SMTP_URL"),
        ("smtp://mail.example.gov:port", "", SENDER, "SMTP_URL"),
        ("smtp://mail.example.gov/path", "", SENDER, "SMTP_URL"),
        ("smtps://user:hush-hush@mail.example.gov", "", SENDER, "SMTP_PASSWORD_FILE"),
        ("smtps://user@mail.example.gov", "", SENDER, "or neither"),
        ("smtps://mail.example.gov", "hush-hush", SENDER, "or neither"),
        ("smtp://user@mail.example.gov", "hush-hush", SENDER, "readable"),
        ("smtps://mail.example.gov", "", "", "MAIL_FROM"),
        ("smtps://mail.example.gov", "", "City <a@b.example>", "MAIL_FROM"),
        ("smtps://mail.example.gov", "", "a@b.example\r\nBcc: c@d.example", "MAIL_FROM"),
    ],
)
def test_settings_that_could_not_work_or_are_not_safe_are_refused(
    url: str, password: str, sender: str, cure: str
) -> None:
    """With the variable that cures it, and without the password."""
    settings = Settings(smtp_url=url, smtp_password=password, mail_from=sender)
    with pytest.raises(SettingsRefused, match=cure) as refused:
        mail(settings, "city.example")
    assert "hush-hush" not in str(refused.value)
    assert "hush-hush" not in repr(replace(settings, smtp_url=""))


def test_without_a_server_nobody_is_written_to(told: Told) -> None:
    """And a file that holds no certificate is no authority."""
    contacts(told, CHIEF)
    assert mail(told.city.state.settings, "city.example") is None
    told.denied()
    told.turns()
    assert () == told.all()
    assert (0, None) == told.reading.backlog()
    for file in ("/nowhere/ca.pem", __file__):
        with pytest.raises(SettingsRefused, match="CA_FILE"):
            trust(Settings(ca_file=file))

"""E-mail through a real mail server: encryption, sign-in, refusals."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifications.channels import DeliveryFailed, NotificationAddress, OutgoingMessage
from notifications.smtp import SmtpSender
from tests.loa.test_broker_access import certificate
from tests.notifications.servers import PASSWORD, USER, MailServer, mail_server, server_context

LAN = NotificationAddress(email="lan@xa.example.vn")
MESSAGE = OutgoingMessage(
    "a1", "Loa – 3 cụm loa mất liên lạc (Xã Thiệu Trung)", "Thôn 1\n", "<p>Thôn 1</p>", "Loa: 3 cụm loa", b"{}"
)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
def starttls(certificates: tuple[Path, Path]) -> Iterator[MailServer]:
    with mail_server(starttls=server_context(certificates), auth=True) as server:
        yield server


def sender(
    server: MailServer, security: str, ca: Path | None = None, user: str = USER, password: str = PASSWORD
) -> SmtpSender:
    return SmtpSender("127.0.0.1", server.port, security, user=user, password=lambda: password, sender=USER, ca=ca)


def test_a_mail_arrives_through_starttls_with_sign_in(starttls: MailServer, certificates: tuple[Path, Path]) -> None:
    sender(starttls, "starttls", certificates[0]).send(LAN, MESSAGE)
    (mail,) = starttls.mails
    assert (mail["Subject"], mail["From"], mail["To"]) == (MESSAGE.subject, USER, LAN.email)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content().split(), html.get_content().strip()) == (MESSAGE.text.split(), MESSAGE.html)
    assert starttls.signed_in == [USER]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it sees STARTTLS only
def test_a_mail_arrives_through_tls(certificates: tuple[Path, Path]) -> None:
    with mail_server(tls=server_context(certificates), auth=True) as server:
        sender(server, "tls", certificates[0]).send(LAN, MESSAGE)
        assert len(server.mails) == 1


def test_a_wrong_password_is_said_in_the_server_s_words_and_stands_nowhere(
    starttls: MailServer, certificates: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(DeliveryFailed, match="refuses name or password") as failure:
        sender(starttls, "starttls", certificates[0], password="sai-mat-khau").send(LAN, MESSAGE)
    assert not failure.value.permanent
    assert "sai-mat-khau" not in caplog.text + str(failure.value) + repr(failure.value.values)
    assert starttls.mails == []


def test_a_certificate_that_nobody_vouches_for_gets_no_password(starttls: MailServer) -> None:
    with pytest.raises(DeliveryFailed, match="LOA_SMTP_CA"):
        sender(starttls, "starttls").send(LAN, MESSAGE)
    assert (starttls.signed_in, starttls.mails) == ([], [])


def test_no_password_is_sent_without_encryption() -> None:
    with mail_server() as server:
        with pytest.raises(DeliveryFailed, match="encrypted connection"):
            sender(server, "none").send(LAN, MESSAGE)
        with pytest.raises(DeliveryFailed, match="STARTTLS"):
            sender(server, "starttls").send(LAN, MESSAGE)
        sender(server, "none", user="").send(LAN, MESSAGE)
        assert len(server.mails) == 1


def test_a_mailbox_that_is_not_there_is_not_tried_again() -> None:
    with mail_server() as server:
        server.refuses.add(LAN.email)
        with pytest.raises(DeliveryFailed, match=r"550 .*no such mailbox") as failure:
            sender(server, "none", user="").send(LAN, MESSAGE)
        assert failure.value.permanent


def test_a_server_that_is_away_is_tried_again() -> None:
    with mail_server() as server:
        gone = sender(server, "none", user="")
    with pytest.raises(DeliveryFailed, match="cannot be used") as failure:
        gone.send(LAN, MESSAGE)
    assert not failure.value.permanent

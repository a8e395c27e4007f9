"""E-mail through the mail server that the settings name."""

import smtplib
import ssl
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from pathlib import Path

from notifications.channels import DeliveryFailed, NotificationAddress, OutgoingMessage, Secret
from runtime.refusal import N_, Refusal

TIMEOUT_S = 15.0


class SmtpSender:
    """One connection for each message: they are few, and servers close idle ones."""

    def __init__(
        self, host: str, port: int, security: str, *, user: str, password: Secret, sender: str, ca: Path | None
    ) -> None:
        """security: "starttls", "tls" or "none". ca: PEM file, None for the public authorities."""
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._sender = user, password, sender or user
        self._ca = ca

    def send(self, to: NotificationAddress, message: OutgoingMessage) -> None:
        if not to.email:
            raise DeliveryFailed(N_("This person has no e-mail address."), permanent=True)
        if not self._sender:
            raise DeliveryFailed(N_("The sender of e-mails is not set (LOA_SMTP_SENDER)."))
        mail = self._mail(to.email, message)
        try:
            with self._connected() as server:
                if self._user:
                    self._sign_in(server)
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as refused:
            code, answer = next(iter(refused.recipients.values()))
            raise _refused(code, answer) from None
        except smtplib.SMTPResponseException as refused:
            raise _refused(refused.smtp_code, refused.smtp_error) from None
        except ssl.SSLError as error:
            raise DeliveryFailed(
                N_("The mail server {host} has no certificate that is trusted ({why}). Check LOA_SMTP_CA."),
                host=self._host,
                why=error.reason or "TLS",
            ) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise DeliveryFailed(
                N_("The mail server {host} cannot be used ({why})."), host=self._host, why=_reason(error)
            ) from None

    def _connected(self) -> smtplib.SMTP:
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=self._context())
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._security == "starttls":
            try:
                server.starttls(context=self._context())
            except BaseException:
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._ca) if self._ca else None)

    def _sign_in(self, server: smtplib.SMTP) -> None:
        if self._security == "none":
            raise DeliveryFailed(
                N_("Loa sends its password only through an encrypted connection. Set LOA_SMTP_SECURITY.")
            )
        try:
            password = self._password()
        except Refusal as refusal:
            raise DeliveryFailed.because(refusal) from refusal
        try:
            server.login(self._user, password)
        except smtplib.SMTPAuthenticationError as refused:
            raise DeliveryFailed(
                N_("The mail server refuses name or password of Loa's account ({why})."),
                why=_decoded(refused.smtp_error),
            ) from None

    def _mail(self, to: str, message: OutgoingMessage) -> MIMEMultipart:
        """With the older classes of `email`: the newer ones lose blanks in long subjects up to Python 3.12."""
        mail = MIMEMultipart("alternative")
        mail["Subject"] = Header(" ".join(message.subject.split()), "utf-8")  # type: ignore[assignment]
        mail["From"], mail["To"] = self._sender, to
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2] or 'loa'}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.attach(MIMEText(message.text, "plain", "utf-8"))
        mail.attach(MIMEText(message.html, "html", "utf-8"))
        return mail


def _refused(code: int, answer: bytes | str) -> DeliveryFailed:
    return DeliveryFailed(
        N_("The mail server does not accept the message: {code} {why}"),
        permanent=550 <= code <= 559,
        code=code,
        why=_decoded(answer),
    )


def _decoded(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return " ".join(str(error).split())[:200] or type(error).__name__

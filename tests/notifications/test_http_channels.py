"""Webhooks and SMS gateways, each with a real web server."""

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest

from notifications.channels import DeliveryFailed, NotificationAddress, OutgoingMessage
from notifications.sms_gateway import SmsGateway, SmsSender
from notifications.webhook import WebhookSender
from tests.notifications.servers import HttpServer, http_server

KEY, NOW_S = b"khoa-webhook", 1_795_000_000
SECRET = "khoa/sms bi mat"
MESSAGE = OutgoingMessage("a1", "Loa", "", "", 'Loa – 3 cụm loa "mất" liên lạc: Thôn Đông', b'{"version":1}')


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def hook(server: HttpServer, path: str = "/loa") -> NotificationAddress:
    return NotificationAddress(webhook_url=f"http://{server.place}{path}", webhook_key=KEY)


def test_a_webhook_is_signed_over_time_and_body(server: HttpServer) -> None:
    WebhookSender([server.place], lambda: NOW_S).send(hook(server), MESSAGE)
    (request,) = server.requests
    expected = hmac.new(KEY, f"{NOW_S}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert (request.path, request.body) == ("/loa", MESSAGE.document)
    assert request.headers["x-loa-signature"] == f"sha256={expected}"
    assert request.headers["x-loa-timestamp"] == str(NOW_S)
    assert request.headers["x-loa-delivery"] == "a1"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/loa",
        "https://[::1]/loa",
        "https://169.254.169.254/latest",
        "https://192.168.1.20/loa",
        "https://10.0.0.1/loa",
        "https://[::ffff:127.0.0.1]/",
        "https://93.184.215.14:22/",
        "http://93.184.215.14/loa",
        "https://lan:secret@93.184.215.14/",
        "ftp://93.184.215.14/",
    ],
)
def test_a_webhook_reaches_neither_this_machine_nor_the_local_network(url: str) -> None:
    with pytest.raises(DeliveryFailed) as failure:
        WebhookSender([], lambda: NOW_S).send(NotificationAddress(webhook_url=url, webhook_key=KEY), MESSAGE)
    assert failure.value.permanent
    assert "secret" not in str(failure.value)


def test_a_webhook_follows_no_redirect(server: HttpServer) -> None:
    server.answers.append((302, b"", {"Location": f"http://{server.place}/elsewhere"}))
    with pytest.raises(DeliveryFailed, match="HTTP 302"):
        WebhookSender([server.place], lambda: NOW_S).send(hook(server), MESSAGE)
    assert [request.path for request in server.requests] == ["/loa"]


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (410, True), (401, False), (429, False), (503, False)])
def test_what_a_server_answers_decides_whether_it_is_tried_again(
    server: HttpServer, status: int, permanent: bool
) -> None:
    server.answers.append((status, b"x" * 100_000, {}))
    with pytest.raises(DeliveryFailed, match=f"HTTP {status}") as failure:
        WebhookSender([server.place], lambda: NOW_S).send(hook(server), MESSAGE)
    assert failure.value.permanent is permanent


def sms(server: HttpServer, **fields: object) -> SmsSender:
    return SmsSender(SmsGateway(**{"url": f"http://{server.place}/sms", **fields}), lambda: SECRET)  # type: ignore[arg-type]


HUNG = NotificationAddress(phone="0912345678")


def test_an_sms_gateway_gets_the_json_it_wants_without_diacritics(server: HttpServer) -> None:
    body = '{"to": "$phone", "text": "$text"}'
    sms(server, body=body, header="Authorization: Bearer $secret").send(HUNG, MESSAGE)
    (request,) = server.requests
    assert json.loads(request.body) == {"to": "0912345678", "text": 'Loa - 3 cum loa "mat" lien lac: Thon Dong'}
    assert request.headers["authorization"] == f"Bearer {SECRET}"


def test_an_sms_gateway_gets_a_form_or_an_address_with_everything_encoded(server: HttpServer) -> None:
    form = "application/x-www-form-urlencoded"
    sms(server, body="to=$phone&text=$text", content_type=form, plain_letters=False).send(HUNG, MESSAGE)
    url = f"http://{server.place}/sms?to=$phone&text=$text&key=$secret"
    sms(server, url=url, method="get").send(HUNG, MESSAGE)
    posted, got = server.requests
    assert posted.body.startswith(b"to=0912345678&text=Loa%20%E2%80%93%203%20c%E1%BB%A5m")
    assert (got.method, got.body) == ("GET", b"")
    assert got.path.endswith("&key=khoa%2Fsms%20bi%20mat")
    assert "text=Loa%20-%203%20cum%20loa%20%22mat%22" in got.path


def test_a_gateway_that_answers_200_to_everything_is_read(server: HttpServer) -> None:
    gateway = sms(server, body="{}", success='"CodeResult":"100"')
    server.answers += [(200, b'{"CodeResult":"100"}', {}), (200, b'{"CodeResult":"103","key":"' + SECRET.encode(), {})]
    gateway.send(HUNG, MESSAGE)
    with pytest.raises(DeliveryFailed, match="103") as failure:
        gateway.send(HUNG, MESSAGE)
    assert SECRET not in str(failure.value)


def test_a_gateway_that_is_away_does_not_show_its_secret() -> None:
    with http_server() as gone:
        gateway = sms(gone, url=f"http://{gone.place}/?key=$secret", method="get")
    with pytest.raises(DeliveryFailed, match="cannot be reached") as failure:
        gateway.send(HUNG, MESSAGE)
    assert "khoa" not in str(failure.value)

"""CAP files: what is in order is read, what is not is refused in a sentence."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cap.messages import CapMessage, MessageType, Severity
from cap.reading import read_foreign, read_message
from runtime.refusal import Refusal
from tests.cap.cap_files import NOW, PLACES, SENDER, Signer, alert, info, reference

#: As in the appendix of the standard, in English, with codes of another country and a circle.
AMBER = b"""<?xml version = "1.0" encoding = "UTF-8"?>
<alert xmlns = "urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>KAR0-0306112239-SW</identifier>
  <sender>KARO@CLETS.DOJ.CA.GOV</sender>
  <sent>2026-11-11T22:39:00-07:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <source>SW</source>
  <scope>Public</scope>
  <info>
    <language>en-US</language>
    <category>Rescue</category>
    <event>Child Abduction</event>
    <urgency>Immediate</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <eventCode><valueName>SAME</valueName><value>CAE</value></eventCode>
    <senderName>Los Angeles Police Dept - LAPD</senderName>
    <headline>Amber Alert in Los Angeles County</headline>
    <description>DATE/TIME: 11/11/06, 1915 HRS.</description>
    <area>
      <areaDesc>Los Angeles County</areaDesc>
      <geocode><valueName>SAME</valueName><value>006037</value></geocode>
    </area>
  </info>
  <info>
    <language>es-US</language>
    <category>Rescue</category>
    <event>Abducci\xc3\xb3n de Ni\xc3\xb1o</event>
    <urgency>Immediate</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <area><areaDesc>condado de Los Angeles</areaDesc><circle>38.47,-120.14 0</circle></area>
  </info>
</alert>"""
ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = "<!DOCTYPE a [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))


def read(file: bytes, certificate: str = "", now: datetime = NOW) -> CapMessage:
    return read_message(file, PLACES, certificate, now)


def test_an_alert_is_read_with_its_times_in_utc_and_comments_left_out() -> None:
    message = read(alert(info(severity="Ex<!-- a comment -->treme")))
    assert message.key.sender == SENDER
    assert message.key.sent == datetime(2026, 11, 23, 21, 55, tzinfo=UTC)
    assert message.infos[0].severity is Severity.EXTREME
    assert message.infos[0].reached.receivers == ("loa-0", "loa-1")


def test_an_example_of_the_standard_in_other_languages_is_read() -> None:
    message = read(AMBER)
    assert [i.language for i in message.infos] == ["en-US", "es-US"]
    assert message.infos[0].reached.codes == (("SAME", "006037"),)
    assert not message.infos[1].reached.touches


REFUSED = {
    "external entity": (alert(info(headline="&x;"), before=ENTITY), "DOCTYPE"),
    "billion laughs": (alert(info(headline="&a11;"), before=LAUGHS + "]>"), "DOCTYPE|cannot be read|can be read"),
    "document type alone": (alert(before="<!DOCTYPE alert>"), "DOCTYPE"),
    "in another encoding": (
        alert(before=ENTITY).decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "DOCTYPE",
    ),
    "no xml": (b"%PDF-1.4", "no XML"),
    "nothing": (b"", "no XML"),
    "deep": (b"<a>" * 5000, "no XML"),
    "other xml": (b"<html/>", "no alert of CAP 1.2"),
    "CAP 1.1": (alert().replace(b"cap:1.2", b"cap:1.1"), "no alert of CAP 1.2"),
    "unknown severity": (alert(info(severity="Terrible")), "no valid CAP 1.2"),
    "unknown status": (alert(status="Real"), "no valid CAP 1.2"),
    "unknown element": (alert(info(more="<script/>")), "no valid CAP 1.2"),
    "time without zone": (alert(sent="2026-11-24T04:55:00Z"), "no valid CAP 1.2"),
    "no such day": (alert(sent="2026-02-30T04:55:00+07:00"), "no valid CAP 1.2"),
    "identifier with blank": (alert(identifier="a b"), "identifier"),
    "sender with comma": (alert(sender="a,b"), "sender"),
    "says nothing": (alert(""), "says nothing"),
    "from the future": (alert(sent="2026-11-24T05:20:00+07:00"), "in the future"),
    "expired before sent": (alert(info(expires="2026-11-24T04:54:59+07:00")), "before it was sent"),
    "update of nothing": (alert(type_="Update"), "must name"),
    "cancel of nothing": (alert("", type_="Cancel"), "must name"),
    "wrong reference": (alert("", type_="Cancel", references="VN-1"), "sender,identifier,sent"),
    "reference without time": (alert("", type_="Cancel", references="a,b,c"), "no time"),
    "self-reference": (alert("", type_="Cancel", references=reference()), "refers to itself"),
    "reference to the future": (
        alert("", type_="Cancel", identifier="2", references=reference(sent="2026-11-24T04:56:00+07:00")),
        "a later one",
    ),
    "polygon of two corners": (alert(info(area="<polygon>19,105 20,105 19,105</polygon>")), "fewer than 3"),
    "polygon of words": (alert(info(area="<polygon>a,b c,d e,f</polygon>")), "latitude,longitude"),
    "longitude first": (alert(info(area="<polygon>105,19 105,20 106,20 105,19</polygon>")), "not on the earth"),
    "not a number": (alert(info(area="<polygon>nan,1 2,2 3,1 nan,1</polygon>")), "not on the earth"),
    "negative radius": (alert(info(area="<circle>19,105 -3</circle>")), "radius"),
    "circle without radius": (alert(info(area="<circle>19,105</circle>")), "radius"),
    "endless radius": (alert(info(area="<circle>19,105 inf</circle>")), "radius"),
    "too many parts": (alert(*[info()] * 41), "more than 40"),
    "too many elements": (alert(info(more="<web>a</web>", area="<polygon/>" * 21_000)), "more than 20000"),
    "too large": (alert(info(headline="x" * 4_000_000)), "larger than 4 MB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_in_order_is_refused_in_a_sentence(name: str) -> None:
    file, why = REFUSED[name]
    with pytest.raises(Refusal, match=why):
        read(file)


def test_a_cancel_and_an_acknowledgement_need_no_text() -> None:
    assert read(alert("", type_="Cancel", identifier="2", references=reference())).references[0].identifier == "VN-1"
    assert read(alert("", type_="Ack")).type is MessageType.ACK


def test_in_the_child_process_the_same_is_read_and_the_same_refused(tmp_path: Path) -> None:
    file = alert()
    assert read_foreign(file, PLACES, "", NOW, source="a") == read(file)
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    with pytest.raises(Refusal, match="DOCTYPE"):
        read_foreign(alert(before=ENTITY.replace("/etc/passwd", str(secret))), PLACES, "", NOW, source="a")


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def test_a_signed_alert_is_taken_with_the_certificate_of_its_source(signer: Signer) -> None:
    message = read(signer.sign(alert()), signer.certificate)
    assert message.is_signed
    assert message.digest == read(alert()).digest


def test_a_signature_that_does_not_hold_is_refused(signer: Signer) -> None:
    signed = signer.sign(alert())
    with pytest.raises(Refusal, match="not signed"):
        read(alert(), signer.certificate)
    with pytest.raises(Refusal, match="signature of this alert is wrong"):
        read(signed.replace(b"VN-1", b"VN-2"), signer.certificate)
    with pytest.raises(Refusal, match="signature of this alert is wrong"):
        read(Signer().sign(alert()), signer.certificate)
    expired = Signer(days=-1)
    with pytest.raises(Refusal, match="signature of this alert is wrong"):
        read(expired.sign(alert()), expired.certificate)


def test_a_signed_part_inside_a_forged_alert_is_not_the_alert(signer: Signer) -> None:
    """Signature wrapping: the true alert hides in another place, the forged one stands in front."""
    true = signer.sign(alert())
    start, end = true.index(b"<ds:Signature"), true.index(b"</alert>")
    signature, inner = true[start:end], true[true.index(b"<alert") : start] + b"</alert>"
    signature = signature.replace(b'URI=""', b'URI="#a"')
    forged = alert(identifier="VN-2").replace(b"</alert>", b"") + signature.replace(
        b"</ds:Signature>",
        b"<ds:Object>" + inner.replace(b"<alert ", b'<alert Id="a" ') + b"</ds:Object></ds:Signature>",
    )
    with pytest.raises(Refusal):
        read(forged + b"</alert>", signer.certificate)

"""XML signatures of senders that sign: checked with the certificate that their source names, never with one that comes
along.
"""

from datetime import datetime

from cryptography import x509
from lxml import etree
from signxml.exceptions import InvalidInput, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from cap.xml_files import CAP, SIGNATURE, Element
from runtime.refusal import N_, Refusal

LONGEST_CERTIFICATE = 20_000


def verified(root: Element, certificate: str, now: datetime) -> Element:
    """The alert as it was signed: only what is in there may be trusted.

    certificate: PEM. Raises Refusal when there is no signature, or none by this certificate over the whole alert.
    """
    if len(root.findall(f"{{{SIGNATURE}}}Signature")) != 1:
        raise Refusal(N_("This alert is not signed, but its source is set up with a certificate. It must be signed."))
    expected = SignatureConfiguration(location="./", verification_time=now)
    try:
        result = XMLVerifier().verify(root, x509_cert=certificate, expect_config=expected)
    except (SignXMLException, InvalidInput, ValueError, etree.LxmlError) as error:
        raise Refusal(
            N_("The signature of this alert is wrong ({why}). It was changed, or another certificate signed it."),
            why=str(error)[:150],
        ) from None
    signed: Element | None = result.signed_xml if isinstance(result, VerifyResult) else None
    if signed is None or signed.tag != f"{{{CAP}}}alert":
        raise Refusal(N_("The signature of this alert does not cover the whole alert."))
    return signed


def check_certificate(text: str) -> str:
    """A certificate that a person typed, "" for none; in its usual form. Raises Refusal."""
    text = text.strip()
    if not text:
        return ""
    try:
        if len(text) > LONGEST_CERTIFICATE or text.count("BEGIN CERTIFICATE") != 1:
            raise ValueError
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise Refusal(
            N_("This is no certificate. Paste one in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE.")
        ) from None
    return text


def valid_until(certificate: str) -> datetime:
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc

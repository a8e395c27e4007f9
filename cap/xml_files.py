"""XML that comes from outside: parsed without entities, document types or network, and checked against the CAP schema.

The only home of lxml, with `cap.signatures` and `cap.writing`.
"""

import functools
from pathlib import Path
from typing import TypeAlias

from lxml import etree

from runtime.refusal import N_, Refusal

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
#: A polygon of 100,000 points has some 2 MB.
MOST_BYTES = 4_000_000
_MOST_ELEMENTS = 20_000
_SCHEMA = Path(__file__).parent / "schema" / "CAP-v1.2.xsd"

Element: TypeAlias = etree._Element


def parse_xml(file: bytes) -> Element:
    """The root element. Raises Refusal for what is no XML, is too large, or declares a document type.

    Entities stay unexpanded while it is parsed, and libxml2 limits depth and the length of a text.
    """
    if len(file) > MOST_BYTES:
        raise Refusal(N_("This file is larger than {most} MB, the most that Loa reads."), most=MOST_BYTES // 1_000_000)
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        root: Element = etree.fromstring(file, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refusal(N_("This is no XML file that can be read ({why})."), why=str(error)[:150]) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refusal(
            N_("This XML file declares a document type (DOCTYPE). Loa reads none that does: send it without.")
        )
    if sum(1 for _ in root.iter()) > _MOST_ELEMENTS:
        raise Refusal(N_("This XML file has more than {most} elements, the most that Loa reads."), most=_MOST_ELEMENTS)
    return root


def check_schema(root: Element) -> None:
    """Raises Refusal that names the first fault."""
    if root.tag != f"{{{CAP}}}alert":
        raise Refusal(
            N_("This is no alert of CAP 1.2, whose first element is “alert” in the namespace {name}."), name=CAP
        )
    schema = _schema()
    if not schema.validate(root):
        fault = schema.error_log[0]
        why = fault.message.replace(f"{{{CAP}}}", "")[:300]
        raise Refusal(N_("This is no valid CAP 1.2 (line {line}): {why}"), line=fault.line, why=why)


def without_comments(root: Element) -> None:
    """Else the text of an element ends at a comment inside it."""
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)


def text_of(parent: Element, name: str, namespace: str = CAP) -> str:
    """The text of a child element, blanks at its ends removed; "" without one."""
    return (parent.findtext(f"{{{namespace}}}{name}") or "").strip()


def texts_of(parent: Element, name: str) -> list[str]:
    return [(child.text or "").strip() for child in parent.iterfind(f"{{{CAP}}}{name}")]


def pairs_of(parent: Element, name: str) -> list[tuple[str, str]]:
    """valueName and value of each child element of this name."""
    return [(text_of(child, "valueName"), text_of(child, "value")) for child in parent.iterfind(f"{{{CAP}}}{name}")]


@functools.cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(_SCHEMA), etree.XMLParser(no_network=True)))

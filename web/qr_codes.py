"""QR codes, drawn into a page. The home of segno."""

import segno
from markupsafe import Markup


def qr_code(text: str, title: str) -> Markup:
    """An SVG, black on white whatever the theme: cameras read no others. title: for who does not see it."""
    drawn: str = segno.make(text, error="m", micro=False).svg_inline(
        scale=4, border=4, dark="#000", light="#fff", title=title, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - segno escapes the title; the text is modules only

"""The text of a Word document (.docx), read in the child process of `runtime.sandbox`."""

import io
from collections.abc import Iterator

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph


def word_text(content: bytes) -> str:
    """Paragraphs and the rows of tables, a line each, in the document's order."""
    document = docx.Document(io.BytesIO(content))
    return "\n".join(_lines(document.iter_inner_content()))


def _lines(blocks: "Iterator[Paragraph | Table]") -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield f"- {block.text}" if _is_listed(block) else block.text
        else:
            for row in block.rows:
                # Merged cells come once for each column.
                yield ", ".join(dict.fromkeys(cell.text.strip() for cell in row.cells if cell.text.strip()))


def _is_listed(paragraph: Paragraph) -> bool:
    """A list's mark is no part of its text; lines of a list are read with a pause between them."""
    style = paragraph.style.name if paragraph.style is not None else None
    return bool(style and style.startswith("List")) and bool(paragraph.text.strip())

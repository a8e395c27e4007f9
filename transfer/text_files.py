"""Texts to read aloud that come as a file: Word documents and text files of any encoding."""

import io
import zipfile
from pathlib import PurePath

from runtime.refusal import N_, Refusal
from runtime.sandbox import ParserFailed, run_in_sandbox
from transfer.texts import decode, detect
from transfer.word_files import word_text

MOST_TEXT_BYTES = 10_000_000
_OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_text(content: bytes, name: str, *, source: str) -> str:
    """The text of a file; a line for each paragraph. The kind is found by the bytes. source: whose file it is.

    Raises Refusal for what is too large, no text, or an old Word document.
    """
    if len(content) > MOST_TEXT_BYTES:
        raise Refusal(
            N_("This file is larger than {most_mb} MB. Copy the text into the field instead."),
            most_mb=MOST_TEXT_BYTES // 1_000_000,
        )
    if content.startswith(_OLD_WORD):
        raise Refusal(N_("This is a document of an old Word. Save it as .docx, or copy the text into the field."))
    if zipfile.is_zipfile(io.BytesIO(content)):
        try:
            text = run_in_sandbox(word_text, content, result=str, source=source)
        except ParserFailed:
            raise _unreadable(name) from None
    elif b"\0" in content[:1000] and content[:2] not in (b"\xff\xfe", b"\xfe\xff") and content[:200].count(0) < 40:
        raise _unreadable(name)
    else:
        text = decode(content, detect(content))
    if not text.strip():
        raise Refusal(N_("“{name}” holds no text."), name=PurePath(name).name[:80])
    return text


def _unreadable(name: str) -> Refusal:
    return Refusal(
        N_("“{name}” is neither a Word document (.docx) nor a text file. Copy the text into the field instead."),
        name=PurePath(name).name[:80],
    )

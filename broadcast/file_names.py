"""Names of uploaded files, for display only; no name is ever used as a path."""

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

LONGEST_NAME = 120


def clean_name(file_name: str) -> str:
    """Without folders and control characters, at most 120 characters."""
    name = PurePosixPath(PureWindowsPath(file_name).name).name
    name = "".join(c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] != "C").strip(" .")
    return name[-LONGEST_NAME:] or "recording"


def title_of(name: str) -> str:
    """A title from a file name: no suffix, underscores as spaces."""
    stem = name.rsplit(".", 1)[0] if "." in name else name
    return stem.replace("_", " ").strip() or name


def extension_of(name: str, container: str) -> str:
    """An extension for the stored original, ASCII letters and digits only; the container's name when there is none."""
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 5 else container.split(",")[0][:5]

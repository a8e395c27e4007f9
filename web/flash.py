"""Flash messages: the sentence that the next page shows after a change, kept in a signed cookie across the redirect."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass, field

from runtime.refusal import N_

FLASH_COOKIE = "loa_flash"
#: A message that no page has shown for so long is forgotten.
KEPT_S = 120
#: A cookie holds 4 kB; a title in a message may be cut.
_MOST_TEXT = 200


@dataclass(frozen=True)
class Flash:
    """message_id, values: as in `Refusal`. href, link: a link to what was changed, and the name that it shows.

    undo: the path to which a form is posted that takes the change back, "" for none. revision: of what the
    undo form changes. is_success: False where what was
    asked for could not be done at once.
    """

    message_id: str
    values: dict[str, str] = field(default_factory=dict)
    href: str = ""
    link: str = ""
    undo: str = ""
    revision: str = ""
    is_success: bool = True


SAVED = Flash(N_("Saved."))


def saved(name: str, href: str) -> Flash:
    """ "Saved:" with a link to what was saved."""
    return Flash(N_("Saved:"), href=href, link=name)


def commune_shown(name: str, *, gone: bool = False) -> Flash:
    """Which commune the pages show from now on. gone: the one that was open cannot be shown any more."""
    if gone:
        return Flash(
            N_("The commune you had open is no longer available to you. You now see {commune}."), {"commune": name}
        )
    return Flash(N_("You now see {commune}."), {"commune": name})


def packed(flash: Flash, key: bytes) -> str:
    """The value of the cookie. key: what signs it."""
    content = asdict(flash) | {"values": {name: str(value)[:_MOST_TEXT] for name, value in flash.values.items()}}
    content["link"] = flash.link[:_MOST_TEXT]
    text = base64.urlsafe_b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    return f"{text}.{_signature(text, key)}"


def unpacked(cookie: str, key: bytes) -> Flash | None:
    """The message of a cookie; None where there is none, or it is not ours."""
    text, _, signature = cookie.partition(".")
    if not hmac.compare_digest(_signature(text, key).encode(), signature.encode()):
        return None
    try:
        return Flash(**json.loads(base64.urlsafe_b64decode(text)))
    except (binascii.Error, ValueError, TypeError):
        return None  # written by another version


def _signature(text: str, key: bytes) -> str:
    return hmac.new(key, b"flash " + text.encode(), hashlib.sha256).hexdigest()

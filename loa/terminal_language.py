"""The language of what `loa backup` and `loa restore` print: Vietnamese, or the one that LOA_LANGUAGE names."""

import os
from zoneinfo import ZoneInfo

from web.formatting import Wording
from web.language import language_asked, translators

LANGUAGE_VARIABLE = "LOA_LANGUAGE"


_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def terminal_wording() -> Wording:
    return Wording(translators()[language_asked(os.environ.get(LANGUAGE_VARIABLE), None)], _ZONE)

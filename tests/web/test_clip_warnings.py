"""What could be better about a recording stands on its page and in the API, in Vietnamese."""

from pathlib import Path

import pytest

from broadcast.clip_warnings import ClipWarning, WarningKind, warnings_as_text
from broadcast.clips import clip
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.web.office import Office

EVERY_KIND = [
    ClipWarning(WarningKind.NOISE_LIFTED, 24),
    ClipWarning(WarningKind.ONE_CHANNEL, 2),
    ClipWarning(WarningKind.STILL_QUIET, -20.5),
    ClipWarning(WarningKind.UNEVEN, -18.2),
    ClipWarning("of a newer version", 1),
]


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


def test_the_page_of_a_clip_says_what_could_be_better(office: Office) -> None:
    with office.database.writing() as session:
        add_clip(session, "hiss", 10, now=office.clock.now())
        clip(session, "hiss").warnings = warnings_as_text(EVERY_KIND)
        add_clip(session, "good", 10, now=office.clock.now())
    page = office.browser.get("/clips/hiss").text
    assert "Bản ghi nhỏ: tiếng ồn cũng bị nâng lên 24 dB." in page
    assert "Loa chỉ dùng kênh 2." in page
    assert "(-20,5 LUFS)" in page.replace("−", "-")
    assert page.count("notice warn") == 4
    assert "notice warn" not in office.browser.get("/clips/good").text
    assert len(office.browser.get("/api/v1/clips/hiss").json()["warnings"]) == 4

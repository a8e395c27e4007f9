"""Times, lengths and sizes as people say them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.cast import MORNING
from web.formatting import Wording
from web.language import translators

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WORDS = translators()
VI, EN = Wording(WORDS["vi"], ZONE), Wording(WORDS["en"], ZONE)


@pytest.mark.parametrize(
    ("at", "vietnamese", "english"),
    [
        (MORNING, "05:00 sáng nay", "05:00 this morning"),
        (MORNING + timedelta(days=1), "05:00 sáng mai", "05:00 tomorrow morning"),
        (MORNING - timedelta(hours=12), "17:00 chiều hôm qua", "17:00 yesterday afternoon"),
        (MORNING + timedelta(days=3, hours=14), "19:00 tối thứ Sáu 27/11", "19:00 on Friday 27 Nov"),
        (datetime(2027, 2, 6, 23, 30, tzinfo=ZONE), "23:30 đêm thứ Bảy 6/2/2027", "23:30 on Saturday 6 Feb 2027"),
    ],
)
def test_an_instant_is_said_as_one_says_it(at: datetime, vietnamese: str, english: str) -> None:
    assert (VI.when(at, MORNING), EN.when(at, MORNING)) == (vietnamese, english)


@pytest.mark.parametrize(
    ("seconds", "vietnamese", "english"),
    [
        (0, "vừa xong", "just now"),
        (4.9, "vừa xong", "just now"),
        (40, "40 giây trước", "40 seconds ago"),
        (180, "3 phút trước", "3 minutes ago"),
        (7200, "2 giờ trước", "2 hours ago"),
        (86_400, "05:00 sáng hôm qua", "05:00 yesterday morning"),
    ],
)
def test_how_long_ago(seconds: float, vietnamese: str, english: str) -> None:
    at = MORNING - timedelta(seconds=seconds)
    assert (VI.ago(at, MORNING), EN.ago(at, MORNING)) == (vietnamese, english)


@pytest.mark.parametrize(
    ("us", "counter", "length"),
    [
        (0, "00:00", "0 giây"),
        (400_000, "00:00", "0,4 giây"),
        (728_000_000, "12:08", "12 phút 8 giây"),
        (3_723_000_000, "1:02:03", "1 giờ 2 phút"),
    ],
)
def test_lengths(us: int, counter: str, length: str) -> None:
    assert (VI.running(us), VI.length(us)) == (counter, length)


def test_sizes_and_small_errors_have_the_languages_own_decimal_sign() -> None:
    assert (VI.size(2_400_000), EN.size(2_400_000)) == ("2,4 MB", "2.4 MB")
    assert (VI.milliseconds(400), EN.milliseconds(12)) == ("0,4 ms", "0.01 ms")
    assert VI.listed(["05:00", "17:00"]) == "05:00 và 17:00"
    assert VI.exact(MORNING) == "thứ Ba 24/11/2026, 05:00:00 (+07:00)"

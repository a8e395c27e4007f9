"""What is said, and asked, before something is put on air: what, where, how many, what it cuts, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.planning import put_on_air
from noise.noise_rules import set_rules
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Targets


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 728, now=clock.now())
        add_clip(session, "bao", 60, now=clock.now())
    return made


def said(office: Office, **fields: str) -> str:
    sent = {"what": "clip bao", **fields, "form_token": office.form_token}
    answer = office.browser.post("/put-on-air/preview", data=sent)
    assert answer.status_code == 200, answer.text
    return answer.text


def question(page: str) -> list[str]:
    return page.split('data-question="')[1].split('"')[0].split("\n")


def air(office: Office, class_: BroadcastClass, targets: Targets = ALL) -> None:
    with office.database.writing() as session:
        put_on_air(session, COMMUNE, targets=targets, class_=class_, now=office.clock.now(), clip_id="ban-tin")
    office.clock.advance(seconds=20)


def test_it_names_what_where_and_how_many_receivers(office: Office) -> None:
    assert question(said(office)) == ["Phát ngay “Bao”?", "1 phút, tại: Toàn xã (3 cụm loa)."]
    some = {"where": "some", "receivers": "loa-1"}
    assert question(said(office, **some))[1] == "1 phút, tại: Thôn 1 (1 cụm loa)."
    assert "data-question" not in said(office, what="")


def test_an_emergency_is_named_as_such(office: Office) -> None:
    page = said(office, **{"class": "emergency"})
    assert question(page)[0] == "KHẨN CẤP: phát ngay “Bao”?"
    assert "notice bad" in page


@pytest.mark.parametrize(
    ("on_air", "new", "says"),
    [
        ("normal", "normal", "Sẽ ngắt “Ban-Tin”."),
        ("priority", "normal", "Được phát trước: “Ban-Tin”."),
        ("priority", "emergency", "Sẽ ngắt “Ban-Tin”."),
    ],
)
def test_what_it_cuts_is_said_by_the_rule_by_which_receivers_choose(
    office: Office, on_air: str, new: str, says: str
) -> None:
    air(office, BroadcastClass(on_air))
    assert question(said(office, **{"class": new}))[-1] == says


def test_what_sounds_elsewhere_or_is_over_is_not_cut(office: Office) -> None:
    air(office, BroadcastClass.NORMAL, Targets(receivers=["loa-0"]))
    elsewhere = {"where": "some", "receivers": "loa-1"}
    assert "Sẽ ngắt" not in said(office, **elsewhere)
    assert "Sẽ ngắt" in said(office)
    office.clock.advance(seconds=1200)
    assert "Sẽ ngắt" not in said(office)


def test_outside_the_allowed_hours_is_said_before_and_an_emergency_is_allowed(office: Office) -> None:
    hours = [AllowedHours(weekdays=list(range(7)), from_minute=420, until_minute=1200)]
    with office.database.writing() as session:
        set_rules(session, COMMUNE, "", hours=hours)
    assert "ngoài khung giờ" in said(office)
    assert "ngoài khung giờ" not in said(office, **{"class": "emergency"})
    office.clock.set(office.clock.now() + timedelta(hours=4))
    assert "ngoài khung giờ" not in said(office)


def test_nobody_to_hear_it_is_said_before(office: Office) -> None:
    assert office.post("/zones", name="Thôn 9", zone_id="thon-9") == 303
    assert "không có cụm loa" in said(office, where="some", zones="thon-9").lower()

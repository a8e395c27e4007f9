"""The measuring page: two receivers sound, a recording is brought, a path delay is set and put back."""

from pathlib import Path

import pytest
from sqlmodel import select

from acoustics.delay_measurements import DelayMeasurement
from broadcast.planning import new_broadcast, plan_broadcast
from devices.positions import Position, place_receiver
from devices.receivers import receiver
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.sounds.two_horns import Scene, written
from tests.web.office import Office
from wire.broadcasts import BroadcastClass, LiveItem, Targets
from wire.commands import Command, Config, ToneSound
from wire.commands import TestTone as Clicks
from wire.sealing import PublicKey, SealingKey, open_sealed

SEAL = SealingKey(bytes(range(32)))


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    return made


def sent(office: Office, receiver_id: str, type_: object) -> list:  # type: ignore[type-arg]
    keys, now_us = {SEAL.kid: PublicKey(SEAL.public)}, office.clock.now_us()
    end = "do" if type_ is Command else "config"
    return [
        open_sealed(payload, type_, keys, to=f"r/{receiver_id}", now_us=now_us)
        for topic, payload, _, _ in office.broker.log
        if topic.endswith(f"{receiver_id}/{end}")
    ]


def started(office: Office, **fields: str) -> str:
    """A measurement that sounds. Gives its path."""
    answer = office.browser.post(
        "/measure", data={"one": "loa-0", "other": "loa-1", **fields, "form_token": office.form_token}
    )
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def brought(office: Office, path: str, file: Path) -> int:
    with file.open("rb") as opened:
        answer = office.browser.post(
            f"{path}/recording", data={"form_token": office.form_token}, files={"file": (file.name, opened)}
        )
    return answer.status_code


def test_both_are_told_to_sound_at_their_instants(office: Office) -> None:
    started(office)
    tones = [sent(office, name, Command)[0].action for name in ("loa-0", "loa-1")]
    assert all(isinstance(tone, Clicks) for tone in tones)
    assert [tone.sound for tone in tones] == [ToneSound.RISING, ToneSound.FALLING]
    assert tones[1].starts_at_us - tones[0].starts_at_us == 1_250_000


def test_the_pages_own_recorder_is_told_when_and_how_long(office: Office) -> None:
    answer = office.browser.post(
        "/measure",
        data={"one": "loa-0", "other": "loa-1"},
        headers={"Accept": "application/json", "X-Form-Token": office.form_token},
    ).json()
    assert (answer["starts_in_ms"], answer["length_ms"]) == (13_000, 17_000)
    assert answer["path"].startswith("/measure/")


def test_from_the_recording_to_the_path_delay_and_back(office: Office, tmp_path: Path) -> None:
    path = started(office)
    assert "Đưa bản ghi âm lên" in office.browser.get(path).text
    recording = written(Scene(offset_s=0.1184, signal_to_noise_db=30), tmp_path / "a.mp3")
    assert brought(office, path, recording) == 303
    shown = office.browser.get(path).text
    assert "Thôn 1 trễ hơn 118,4 ms: đặt độ trễ đường tiếng 118,4 ms?" in shown
    assert "Chắc chắn" in shown
    assert "6 trên 6 lần kêu" in shown
    assert office.post(f"{path}/take") == 303
    assert sent(office, "loa-1", Config)[-1].path_delay_us == 118_400
    assert "nay là 118,4 ms, trước là 0 ms" in office.browser.get(path).text
    assert "trễ hơn 118,4 ms" in office.browser.get("/measure").text
    assert office.post(f"{path}/undo") == 303
    assert sent(office, "loa-1", Config)[-1].path_delay_us == 0
    assert "trở lại 0 ms" in office.browser.get(path).text
    with office.database.session() as session:
        kept = session.exec(select(DelayMeasurement)).one()
        assert (kept.asked_by, kept.taken_by) == ("lan", "lan")
    assert list((tmp_path / "m" / "incoming").iterdir()) == [], "a recording is not kept"


def test_a_recording_that_says_nothing_changes_nothing(office: Office, tmp_path: Path) -> None:
    path = started(office)
    silent = written(Scene(silent=(False, True)), tmp_path / "a.wav")
    answer = office.browser.post(
        f"{path}/recording",
        content=silent.read_bytes(),
        headers={"Content-Type": "audio/wav", "X-Form-Token": office.form_token},
    )
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Chỉ nghe thấy một loa: không nghe thấy Thôn 1.")
    assert office.post(f"{path}/take") == 422
    assert brought(office, path, Path(__file__)) == 422
    assert list((tmp_path / "m" / "incoming").iterdir()) == []


def test_what_is_too_large_is_refused_before_it_is_read(office: Office) -> None:
    answer = office.browser.post(
        f"{started(office)}/recording",
        content=b"x",
        headers={"Content-Type": "audio/wav", "X-Form-Token": office.form_token, "Content-Length": "60000001"},
    )
    assert answer.status_code == 422
    assert "60 MB" in answer.json()["error"]


def test_where_the_phone_is_held_counts(office: Office) -> None:
    with office.database.writing() as session:
        place_receiver(session, "loa-0", Position(19.87, 105.68))
        place_receiver(session, "loa-1", Position(19.871, 105.68))
    assert "cách nhau 111 m" in office.browser.get("/measure/apart?one=loa-0&other=loa-1").text
    assert "Chưa có đủ" in office.browser.get("/measure/apart?one=loa-0&other=loa-0").text
    path = started(office, where="metres", one_distance_m="1.5", other_distance_m="35.8")
    with office.database.session() as session:
        assert session.exec(select(DelayMeasurement)).one().geometry_us == 100_000
    assert office.browser.get(path).status_code == 200


def test_what_would_not_be_heard_is_not_begun(office: Office) -> None:
    now = office.clock.now()
    with office.database.writing() as session:
        item = LiveItem(offset_us=0, duration_us=60_000_000, buffer_us=1)
        plan_broadcast(
            session,
            new_broadcast(
                commune_id=COMMUNE,
                title="Bản tin",
                class_=BroadcastClass.NORMAL,
                targets=Targets(all=True),
                starts_at=now,
                length_us=60_000_000,
                items=[item],
                now=now,
            ),
        )
    assert office.post("/measure", one="loa-0", other="loa-1") == 422
    office.clock.advance(seconds=3600)
    assert office.post("/measure", one="loa-0", other="loa-1") == 422, "neither was heard for an hour"
    assert office.post("/measure", one="loa-0", other="loa-0") == 422
    assert office.broker.log == []
    with office.database.session() as session:
        assert session.exec(select(DelayMeasurement)).all() == []


def test_others_do_not_see_it(office: Office) -> None:
    path = started(office)
    assert office.stranger.get(path).status_code == 303
    assert office.post(f"{path[:-1]}x/take") == 404
    with office.database.session() as session:
        assert receiver(session, "loa-1").path_delay_us == 0

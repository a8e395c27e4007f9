"""A text becomes a clip that keeps its words; it can be stopped, and goes on after a restart."""

import wave
from pathlib import Path

import pytest

from broadcast.clips import Clip, clips, order_of
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import IngestJob, JobState, job
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from speech import synthesis
from speech.engines import Engines
from speech.orders import SpeechOrder
from speech.pronunciations import remember
from speech.voices import Voice
from tests.cast import COMMUNE, COMMUNE_NAME, OPERATOR

ORDER = SpeechOrder("UBND xã họp 7h30.\nMời bà con.", "espeak:vi-vn-x-south", speed_percent=120)


@pytest.fixture
def ingest(database: Database, tmp_path: Path, clock: ManualClock) -> Ingest:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
    media, originals = Media(tmp_path / "media"), Media(tmp_path / "originals")
    return Ingest(database, media, originals, clock, most_bytes=50_000_000, most_hours=1)


@pytest.fixture
def speech(database: Database, ingest: Ingest) -> SpeechIngest:
    return SpeechIngest(database, ingest, Engines())


def begin(speech: SpeechIngest, order: SpeechOrder = ORDER, replaces: str | None = None) -> str:
    return speech.begin(COMMUNE, "Mời họp", order, by=OPERATOR, field=1, replaces=replaces)


def state_of(database: Database, job_id: str) -> IngestJob:
    with database.session() as session:
        return job(session, job_id)


def test_a_text_becomes_a_levelled_clip_that_keeps_its_words_and_is_found_by_them(
    database: Database, ingest: Ingest, speech: SpeechIngest
) -> None:
    job_id = begin(speech)
    assert state_of(database, job_id).state == JobState.SPEAKING
    assert speech.step() == 0.0
    ingest.work_one(job_id)
    done = state_of(database, job_id)
    assert (done.state, done.refusal) == (JobState.READY, "")
    with database.session() as session:
        clip = session.get_one(Clip, done.clip_id)
        assert [found.id for found in clips(session, COMMUNE, search="ba con")] == [clip.id]
        assert clips(session, COMMUNE, search="khong co") == []
    assert order_of(clip.speech) == ORDER
    assert clip.duration_us > 2_000_000
    assert clip.loudness_after_lufs == pytest.approx(-16, abs=1.5)
    again = begin(speech, SpeechOrder("Hoãn họp.", "espeak:vi"), clip.id)
    assert state_of(database, again).replaces == clip.id


def test_what_is_spoken_is_the_reading_with_the_corrections_of_the_commune(
    database: Database, speech: SpeechIngest, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        remember(session, COMMUNE, "xã", "quê", clock.now(), OPERATOR)
    said: list[str] = []

    def listen(_engines: Engines, _order: SpeechOrder, spoken: str, *_into: Path, **_callbacks: object) -> None:
        said.append(spoken)
        raise Refusal("enough")

    monkeypatch.setattr("broadcast.speech_ingest.synthesise", listen)
    job_id = begin(speech)
    speech.step()
    assert said == ["ủy ban nhân dân quê họp bảy giờ ba mươi phút.\nMời bà con."]
    assert state_of(database, job_id).state == JobState.REFUSED


def test_a_text_that_is_stopped_leaves_nothing_behind(
    database: Database, ingest: Ingest, speech: SpeechIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = begin(speech)
    path = ingest.incoming_of(state_of(database, job_id))
    parts: list[str] = []
    say = synthesis.sentences

    def stop_in_the_middle(spoken: str, order: SpeechOrder) -> list[synthesis.Sentence]:
        parts.extend(part.text for part in say(spoken, order))
        speech.stop(job_id)
        return say(spoken, order)

    monkeypatch.setattr(synthesis, "sentences", stop_in_the_middle)
    speech.step()
    stopped = state_of(database, job_id)
    assert len(parts) == 2
    assert stopped.state == JobState.INTERRUPTED
    assert str(stopped.why) == "Reading this text aloud was stopped."
    assert not path.exists()


def test_a_text_goes_on_after_a_restart(database: Database, ingest: Ingest, speech: SpeechIngest) -> None:
    job_id = begin(speech)
    ingest.recover()
    assert state_of(database, job_id).state == JobState.SPEAKING
    after = SpeechIngest(database, ingest, Engines())
    after.queue_unfinished()
    assert after.step() == 0.0
    done = state_of(database, job_id)
    assert (done.state, done.resumed) == (JobState.WAITING, True)
    assert done.bytes > 50_000


def test_an_engine_that_fails_is_a_refusal_with_its_voice(
    database: Database, speech: SpeechIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.espeak._VOICES", {"vi": Voice("espeak:nobody", "Nobody")})
    job_id = begin(speech, SpeechOrder("a", "espeak:nobody"))
    speech.step()
    failed = state_of(database, job_id)
    assert failed.state == JobState.REFUSED
    assert "“Nobody” could not speak" in str(failed.why)


def test_a_voice_that_is_not_there_begins_nothing(database: Database, speech: SpeechIngest) -> None:
    with pytest.raises(Refusal, match="not installed any more"):
        begin(speech, SpeechOrder("a", "piper:none"))
    assert speech.step() is None


def test_an_alert_is_said_in_both_languages_as_often_as_asked(ingest: Ingest, speech: SpeechIngest) -> None:
    def lasts_s(order: SpeechOrder) -> float:
        job_id = begin(speech, order)
        speech.step()
        path = ingest.incoming_of(state_of(speech._database, job_id))
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()

    once = lasts_s(SpeechOrder("Có cháy.", "espeak:vi"))
    both = lasts_s(SpeechOrder("Có cháy.", "espeak:vi", english="There is a fire."))
    twice = lasts_s(SpeechOrder("Có cháy.", "espeak:vi", english="There is a fire.", repeats=2))
    assert both > once + 0.8 + 0.5
    assert twice == pytest.approx(2 * both + 0.8, abs=0.01)

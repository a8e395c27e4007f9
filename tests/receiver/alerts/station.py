"""A receiver's alert inbox under a turned clock, with sounds that are told apart by their level."""

from pathlib import Path

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.alerts.alert_inbox import AlertInbox
from receiver.alerts.held_alerts import HeldAlerts
from receiver.playout.cues import RATE
from receiver.playout.ladder import Ladder
from receiver.playout.mixing import rendered
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf, hash_of
from tests.receiver.plans import KEY, KEYS, NOW_US, SECOND_US, config
from wire.alert_books import AlertBook, AlertPart, AlertSound, AlertSpeech, AlertTemplate
from wire.alerts import Alert, seal_alert
from wire.broadcasts import Rendition
from wire.topics import Kind, Topic

ID = "00112233aabbccdd"
SIREN, OPENING, STORM, LEAVE, VILLAGE, CLEAR = 1, 2, 10, 11, 100, 20
#: By sound: its level, and its length in seconds.
SOUNDS = {SIREN: (0.5, 1.5), OPENING: (0.4, 1), STORM: (0.1, 2), LEAVE: (0.2, 1), VILLAGE: (0.3, 1), CLEAR: (0.35, 1)}
#: Siren 4 s, then 2 + 1 + 1 s of speech and a pause of 1 s.
SPEECH_S, PERIOD_S = 4, 5


def book(revision: int = 1) -> AlertBook:
    """Templates: 7 is the storm with a place in slot 0, 9 is the all-clear."""
    sounds = [
        AlertSound(number=number, duration_us=round(length_s * SECOND_US), renditions=[rendition(number)])
        for number, (_, length_s) in SOUNDS.items()
    ]
    storm = [AlertPart(sound=STORM), AlertPart(slot=0), AlertPart(sound=LEAVE)]
    clear = AlertSpeech(language="vi", parts=[AlertPart(sound=CLEAR)])
    return AlertBook(
        to="c/tt",
        revision=revision,
        issued_at_us=NOW_US,
        expires_at_us=NOW_US + 10**15,
        sounds=sounds,
        templates=[
            AlertTemplate(
                number=7,
                siren=SIREN,
                drill_opening=OPENING,
                speech=[AlertSpeech(language="vi", parts=storm)],
                repeat_pause_us=SECOND_US,
            ),
            AlertTemplate(number=9, speech=[clear]),
        ],
    )


def rendition(number: int) -> Rendition:
    return Rendition(sha256=f"{number:064x}", bytes=number, codec="wav", path=f"{number}.wav")


def alert(**more: object) -> Alert:
    made = Alert(ID, NOW_US, NOW_US + 600 * SECOND_US, 4 * SECOND_US, 7, repeats=3, slots=(VILLAGE,))
    return made._replace(**more)  # type: ignore[arg-type]


def end(after_s: float = 60, **more: object) -> Alert:
    issued_us = NOW_US + round(after_s * SECOND_US)
    return alert(is_end=True, issued_at_us=issued_us, expires_at_us=issued_us + 600 * SECOND_US, template=0)._replace(
        **more  # type: ignore[arg-type]
    )


class Station:
    """The inbox of one receiver. now_us: controller time; None: not known."""

    def __init__(self, folder: Path, *, lead_s: float = 0.5, receiver: str = "loa-1", with_book: bool = True) -> None:
        self.folder, self.now_us = folder, NOW_US
        self.known = True
        self.plan = Plan(folder / "plan", receiver, "tt", KEYS)
        self.plan.take_config(KEY.seal(config()), NOW_US)
        self.shelf = Shelf(folder / "shelf")
        self.books = AlertBookStore(folder / "alerts" / "book.jws", "tt", KEYS, self.shelf)
        if with_book:
            self.books.take(KEY.seal(book()), NOW_US)
        held = HeldAlerts(folder / "alerts" / "held", KEYS, "tt")
        self.changes = 0
        self.inbox = AlertInbox(
            receiver,
            self.plan,
            KEYS,
            held,
            self.books,
            lambda: self.now_us if self.known else None,
            lambda: round(lead_s * SECOND_US),
            self._changed,
        )
        self.inbox.book_changed()

    def take(self, told: Alert | bytes, at_s: float = 0.0, bearer: str = "mqtt", topic: Topic | None = None) -> bool:
        payload = told if isinstance(told, bytes) else seal_alert(told, "tt", KEY)
        self.now_us = NOW_US + round(at_s * SECOND_US)
        return self.inbox.take(payload, bearer, self.now_us, topic)

    def restarted(self) -> "Station":
        self.inbox.keep()
        return Station(self.folder, with_book=False)

    def heard(self, from_s: float, until_s: float, step_s: float = 0.5) -> list[int]:
        """By the real ladder and mixer: the number of the sound in the middle of each step; 0: silence."""
        sound = self.rendered(from_s, until_s)
        levels = {level: number for number, (level, _) in SOUNDS.items()} | {0.0: 0}
        steps = round((until_s - from_s) / step_s)
        at = [sound[round((step + 0.5) * step_s * RATE)] for step in range(steps)]
        return [levels[min(levels, key=lambda level: abs(level - value))] for value in at]

    def rendered(self, from_s: float, until_s: float) -> NDArray[np.float32]:
        ladder = Ladder(self.plan.for_us(), self.plan.config, self._path_of, lambda _: None)
        from_us = NOW_US + round(from_s * SECOND_US)
        return np.concatenate(list(rendered(ladder, from_us, 0, round((until_s - from_s) * RATE))))

    def _changed(self) -> None:
        self.changes += 1

    def _path_of(self, rendition_: Rendition) -> Path | None:
        if rendition_.path == "siren.wav":
            return self.books.path_of(rendition_)
        number = int(rendition_.sha256, 16)
        path = self.folder / f"{number}.wav"
        if not path.exists():
            level, length_s = SOUNDS[number]
            soundfile.write(path, np.full(round(length_s * RATE), level, np.float32), RATE, subtype="FLOAT")
        return path


def on_topic(told: Alert, kind: Kind | None = None) -> Topic:
    return Topic(kind or (Kind.DRILL if told.is_drill else Kind.ALERT), commune="tt", alert=told.alert)


def shelved(station: Station, numbers: list[int]) -> AlertBook:
    """A book of real files, as they lie on the shelf."""
    sounds = []
    for number in numbers:
        content = f"sound {number}".encode()
        path = station.folder / "shelf" / "new"
        path.write_bytes(content)
        named = Rendition(sha256=hash_of(path), bytes=len(content), codec="opus", path="x")
        path.rename(path.with_name(f"{named.sha256}.opus"))
        sounds.append(AlertSound(number=number, duration_us=1, renditions=[named]))
    return msgspec.structs.replace(book(revision=2), sounds=sounds)

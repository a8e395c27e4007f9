"""Amplifiers: on, off, and off when let go."""

from pathlib import Path

from receiver.output.amplifier import AmplifierTimes, RecordedAmplifier, TargetZones


def test_the_recorded_one_writes_down_each_change_once(tmp_path: Path) -> None:
    amplifier = RecordedAmplifier(tmp_path / "amplifier.csv")
    amplifier.switch(True)
    amplifier.switch(True)
    amplifier.close()
    assert [line.split(",")[1] for line in (tmp_path / "amplifier.csv").read_text().splitlines()] == ["on", "off"]
    assert not amplifier.is_on


class Slow(RecordedAmplifier):
    """A chain that needs three seconds; keeps for whom it was switched."""

    lead_ms = 3000

    def __init__(self) -> None:
        super().__init__()
        self.zones: list[frozenset[str] | None] = []

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        super().switch(on, zones)
        if on and self.zones[-1:] != [zones]:
            self.zones.append(zones)


class Evening:
    """A receiver with sound from second 20 to 30, and again from 33 to 40, heard `path_us` after the card."""

    def __init__(self, amplifier: RecordedAmplifier, path_us: int = 0) -> None:
        self.amplifier, self.path_us = amplifier, path_us
        self.times = AmplifierTimes(amplifier)

    def at(self, second: float) -> bool:
        now_us = round(second * 1e6)

        def next_within(within_us: int) -> TargetZones | None:
            for start, end, zone in ((20, 30, "thon-3"), (33, 40, "thon-7")):
                if now_us < end * 1e6 and start * 1e6 < now_us + within_us:
                    return TargetZones(frozenset({zone}))
            return None

        self.times.step(next_within, 1000, self.path_us, now_us)
        return self.amplifier.is_on

    def run(self, until_s: int = 60) -> list[tuple[float, bool]]:
        """Quarter by quarter of a second: when it was switched."""
        seen: list[tuple[float, bool]] = []
        for quarter in range(until_s * 4):
            on = self.at(quarter / 4)
            if not seen or seen[-1][1] != on:
                seen.append((quarter / 4, on))
        return seen


def test_it_is_on_from_its_lead_before_the_first_sound_until_five_seconds_after_the_last() -> None:
    seen = Evening(Slow()).run()
    assert [on for _, on in seen] == [False, True, False]
    assert 20 - 3.5 <= seen[1][0] <= 20 - 3.0
    assert 44.5 < seen[2][0] <= 45.5


def test_it_is_told_whom_the_sound_means_and_the_next_only_when_the_first_is_over() -> None:
    evening = Evening(Slow())
    assert isinstance(evening.amplifier, Slow)
    evening.run(30)
    assert evening.amplifier.zones == [frozenset({"thon-3"})]
    evening.run(41)
    assert evening.amplifier.zones == [frozenset({"thon-3"}), frozenset({"thon-7"})]


def test_what_the_page_says_counts_when_it_is_more() -> None:
    seen = Evening(RecordedAmplifier()).run()
    assert 20 - 1.5 <= seen[1][0] <= 20 - 1.0


def test_a_long_way_to_the_horn_makes_it_earlier_by_so_much() -> None:
    seen = Evening(Slow(), path_us=2_000_000).run()
    assert 20 - 5.5 <= seen[1][0] <= 20 - 5.0


def test_without_the_time_nothing_sounds_and_it_is_off_at_once() -> None:
    evening = Evening(Slow())
    assert evening.at(25.0)
    evening.times.nothing_can_sound()
    assert not evening.amplifier.is_on


def test_nothing_planned_is_never_on() -> None:
    amplifier = RecordedAmplifier()
    times = AmplifierTimes(amplifier)
    for second in range(1000):
        times.step(lambda _within_us: None, 5000, 0, second * 1_000_000)
    assert amplifier.switched == []

"""`loa demo --mergers`: two old units are merged into a new one with an IP station, while a programme plays in each.

Behind each receiver stands a chain as it would in the commune, on a virtual relay board that is told by HTTP.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broadcast.play_reports import PlayReportRow
from demo.check import MOST_SKEW_P99_MS, Browser, at_horns, sign_in_as, upload, wait_for, wait_for_reports
from demo.demo import DemoFailed, make_mp3
from demo.skew import lacking, skew
from demo.stations import CHINH, HIEN, NAMES, PLACES, TRUNG, MergersDemo
from loa.merger_hooks import ESTATE
from mergers.mergers import merge
from mergers.plans import Counts, Merge, Rehearsal
from mergers.rehearsals import counts, rehearse
from runtime.clock import ControllerClock
from runtime.database import Database

PLAN = Merge(sources=(TRUNG, CHINH, HIEN), into=TRUNG, name=NAMES[TRUNG])
AHEAD_S = 14
#: Into the programme, and long before its end.
MERGED_AFTER_S = 6
#: Of the upload's tenths of a second so many may not be found in a recording: its silent ones are not looked for.
MOST_LACKING = 2


@dataclass
class Merged:
    """What was seen of it. running: the broadcast in each commune while they were merged. took_s: the transaction."""

    before: Counts
    after: Counts
    areas: int
    running: dict[str, str]
    took_s: float
    told_s: float
    said: dict[str, Any] = field(default_factory=dict)


Say = Callable[[str], None]


def merge_live(demo: MergersDemo, browser: Browser, uploaded: Path, say: Say) -> Merged:
    """A programme plays in each of the three; in its middle they are merged. Gives what was seen, reports and all."""
    wait_for("a receiver online in each commune", lambda: all(_online(browser, c) for c in NAMES), 40)
    say("Three communes, each with a receiver and the chain behind it: wired, FM and IP.")
    running = {}
    programmes = {}
    for commune_id in NAMES:
        browser.send("/commune", commune=commune_id)
        clip, _ = upload(browser, uploaded)
        made = {"title": f"Bản tin {NAMES[commune_id]}", "items": [{"kind": "clip", "clip": clip}]}
        programmes[commune_id] = browser.api("/programmes", made)["programme"]
    starts_s = time.time() + AHEAD_S
    for commune_id, programme in programmes.items():
        browser.send("/commune", commune=commune_id)
        running[commune_id] = _schedule_at(browser, programme, starts_s)
    wait_for("the programme on air everywhere", lambda: all(_sounds(browser, c) for c in NAMES), AHEAD_S + 15)
    say("A programme is on air in each of them.")
    time.sleep(max(0.0, starts_s + MERGED_AFTER_S - time.time()))
    configs: dict[str, int] = {}
    for commune_id in NAMES:
        browser.send("/commune", commune=commune_id)
        configs |= {r["receiver"]: r["config_revision"] for r in browser.api("/receivers")}
    database, clock = Database(demo.database), ControllerClock()
    try:
        with database.session() as session:
            seen: Rehearsal = rehearse(session, PLAN, clock.now(), estate=ESTATE)
            before = counts(session, list(NAMES), clock.now())
        say(f"Rehearsed; open questions, answered as suggested: {len(seen.questions)}.")
        began_s = time.monotonic()
        with database.writing() as session:
            merge(session, PLAN, seen.suggested(), clock.now(), "demo", fingerprint=seen.fingerprint, estate=ESTATE)
        took_s = time.monotonic() - began_s
        with database.session() as session:
            after = counts(session, [TRUNG], clock.now())[TRUNG]
    finally:
        database.close()
    say(f"Merged into {NAMES[TRUNG]} in {took_s:.2f} s; the programmes go on.")
    browser.send("/commune", commune=TRUNG)
    wait_for("the receivers in the new commune", lambda: _told(browser, configs), 20)
    told_s = time.monotonic() - began_s
    merged = Merged(_sum(before.values()), after, len(PLAN.sources), running, took_s, told_s)
    for commune_id, broadcast in running.items():
        merged.said[commune_id] = wait_for_reports(browser, broadcast, receivers=1)
    say("Each was heard to its end, under the name of its time.")
    return merged


def together(browser: Browser, uploaded: Path, say: Say) -> dict[str, Any]:
    """A programme of the new commune, on all three at once. Gives the broadcast with what was reported."""
    clip, _ = upload(browser, uploaded)
    made = {"title": "Bản tin xã mới", "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}]}
    programme = browser.api("/programmes", made)["programme"]
    broadcast = _schedule_at(browser, programme, time.time() + AHEAD_S)
    say("A programme of the new commune for all three is on its way.")
    said = wait_for_reports(browser, broadcast, receivers=len(PLACES))
    say("It sounded on all three.")
    return said


def check_mergers(demo: MergersDemo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Do it. Gives the figures, and what did not hold. keep: where recordings and uploads stay."""
    if demo.showing is None:
        raise DemoFailed("they were merged in this folder before; take a new one, or none")
    browser = Browser(demo.url)
    sign_in_as(browser, *demo.showing)
    first, second = demo.folder / "during.mp3", demo.folder / "afterwards.mp3"
    make_mp3(first)
    make_mp3(second, seed=11)
    merged = merge_live(demo, browser, first, lambda _: None)
    said = together(browser, second, lambda _: None)
    apart = skew(at_horns(demo, second, keep))
    during = dict(zip((p.commune for p in PLACES), at_horns(demo, first, keep), strict=True))
    log = [b["broadcast"] for b in browser.api("/play-log")]
    figures = {
        "before": _counted(merged.before),
        "after": {**_counted(merged.after, merged.areas), "areas": merged.areas},
        "merge_s": round(merged.took_s, 3),
        "told_s": round(merged.told_s, 2),
        "running": {
            c: {
                "outcome": one["receivers"][0]["outcome"],
                "frames_played": _frames(demo, merged.running[c], "frames_played"),
                "frames_due": _frames(demo, merged.running[c], "frames_due"),
                "windows_lacking": lacking(during[c]),
            }
            for c, one in merged.said.items()
        },
        "old_found_in_new_log": sum(b in log for b in merged.running.values()),
        "receivers": len(said["receivers"]),
        "heard": said["heard"],
        "outcomes": {r["receiver"]: r["outcome"] for r in said["receivers"]},
        "skew_ms_p50": round(apart.p50_ms, 4),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "skew_ms_max": round(apart.max_ms, 4),
        "windows": apart.windows,
        "relays_left_on": sorted(name for name, on in demo.board.on.items() if on),
        "switchings": len(demo.board.switched),
    }
    return figures, failings(figures)


def failings(figures: dict[str, Any]) -> list[str]:
    """What did not hold."""
    said = []
    before, after = figures["before"], figures["after"]
    for what in before:
        if after[what] != before[what]:
            said.append(f"{what}: {before[what]} before, {after[what]} after")
    for commune_id, one in figures["running"].items():
        if one["outcome"] != "played" or one["windows_lacking"] > MOST_LACKING:
            said.append(f"what was on air in {commune_id} was not heard whole: {one}")
    if figures["old_found_in_new_log"] != len(PLACES):
        said.append("the new commune's play log lacks what was on air before")
    if figures["heard"] != len(PLACES) or set(figures["outcomes"].values()) != {"played"}:
        said.append(f"the new commune's programme was not heard everywhere: {figures['outcomes']}")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        said.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    return said


def show_mergers(demo: MergersDemo, say: Say) -> None:
    """The same step by step, for somebody who looks on."""
    if demo.showing is None:
        say("They were merged in this folder before; sign in and look at them.")
        return
    browser = Browser(demo.url)
    sign_in_as(browser, *demo.showing)
    first, second = demo.folder / "during.mp3", demo.folder / "afterwards.mp3"
    make_mp3(first)
    make_mp3(second, seed=11)
    merged = merge_live(demo, browser, first, say)
    say(f"Before: {_counted(merged.before)}")
    say(f"After:  {_counted(merged.after, merged.areas)} and {merged.areas} zones for the former communes")
    together(browser, second, say)
    say(f"In step: {skew(at_horns(demo, second, None)).p99_ms:.3f} ms apart (p99)")


def _counted(found: Counts, areas: int = 0) -> dict[str, int]:
    kept = ("receivers", "zones", "programmes", "schedules")
    whole = {name: value for name, value in asdict(found).items() if name in kept}
    return {**whole, "zones": found.zones - areas, "play_log_rows": found.play_log}


def _sum(found: Any) -> Counts:
    every = [asdict(one) for one in found]
    return Counts(**{name: sum(one[name] for one in every) for name in every[0]})


def _frames(demo: MergersDemo, broadcast: str, column: str) -> int:
    database = Database(demo.database)
    try:
        with database.session() as session:
            place = next(r for r in PLACES if session.get(PlayReportRow, (broadcast, r.receiver)) is not None)
            return int(getattr(session.get_one(PlayReportRow, (broadcast, place.receiver)), column))
    finally:
        database.close()


def _schedule_at(browser: Browser, programme: int, starts_s: float) -> str:
    local = datetime.fromtimestamp(starts_s, UTC) + timedelta(hours=7)
    asked = {
        "programme": programme,
        "repeat": "once",
        "times": [f"{local:%H:%M:%S}"],
        "from_day": f"{local:%Y-%m-%d}",
        "targets": {"all": True},
        "class": "normal",
    }
    planned = browser.api("/schedules", asked)["broadcasts"]
    if len(planned) != 1:
        raise DemoFailed(f"one broadcast was meant, not {planned}")
    return str(planned[0])


def _online(browser: Browser, commune_id: str) -> bool:
    browser.send("/commune", commune=commune_id)
    found = browser.api("/receivers")
    return bool(found) and all(r["state"] == "online" and r["clock_error_us"] is not None for r in found)


def _sounds(browser: Browser, commune_id: str) -> bool:
    browser.send("/commune", commune=commune_id)
    return any(r["broadcast"] for r in browser.api("/receivers"))


def _told(browser: Browser, before: dict[str, int]) -> bool:
    found = {r["receiver"]: r["config_revision"] for r in browser.api("/receivers")}
    return all((found.get(one) or 0) > revision for one, revision in before.items())

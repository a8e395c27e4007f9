"""`loa demo --mergers`: three communes are merged into one while a programme plays in each."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from broadcast.play_reports import PlayReportRow
from demo.browser import Browser
from demo.check import MOST_SKEW_P99_MS
from demo.failure import DemoFailed
from demo.horn_instants import instants_at_horns
from demo.merger_sites import CHINH, HIEN, NAMES, SITES, TRUNG
from demo.mergers_demo import MergersDemo
from demo.operator_tasks import schedule_once, sign_in, upload, wait_for, wait_for_reports
from demo.sample_recording import make_mp3
from demo.skew import missing_windows, skew
from loa.merger_hooks import MERGER_HOOKS
from mergers.mergers import merge
from mergers.plans import CommuneCounts, Merge, Rehearsal
from mergers.rehearsals import counts, rehearse
from runtime.clock import ControllerClock
from runtime.database import Database

PLAN = Merge(sources=(TRUNG, CHINH, HIEN), into=TRUNG, name=NAMES[TRUNG])
AHEAD_S = 14
#: From the start of the programmes to the merger, long before their end.
MERGED_AFTER_S = 6
#: Windows of 100 ms that may be missing in a recording: silent ones are not searched for.
MOST_MISSING = 2


@dataclass
class MergerFigures:
    """running: the broadcast on air in each commune during the merger. took_s: of the transaction.

    told_s: until every receiver had its new configuration. reports: by commune, of the running broadcast.
    """

    before: CommuneCounts
    after: CommuneCounts
    areas: int
    running: dict[str, str]
    took_s: float
    told_s: float
    reports: dict[str, Any] = field(default_factory=dict)


Say = Callable[[str], None]


def merge_live(demo: MergersDemo, browser: Browser, uploaded: Path, say: Say) -> MergerFigures:
    """Play a programme in each of the three communes and merge them in its middle."""
    wait_for("a receiver online in each commune", lambda: all(_online(browser, c) for c in NAMES), 40)
    say("Three communes, each with a receiver and the chain behind it: wired, FM and IP.")
    running = {}
    programmes = {}
    for commune_id in NAMES:
        browser.send("/commune", commune=commune_id)
        clip, _ = upload(browser, uploaded)
        programme_form = {"title": f"Bản tin {NAMES[commune_id]}", "items": [{"kind": "clip", "clip": clip}]}
        programmes[commune_id] = browser.api("/programmes", programme_form)["programme"]
    starts_s = time.time() + AHEAD_S
    for commune_id, programme in programmes.items():
        browser.send("/commune", commune=commune_id)
        running[commune_id] = str(schedule_once(browser, programme, starts_s)["broadcasts"][0])
    wait_for("the programme on air everywhere", lambda: all(_is_on_air(browser, c) for c in NAMES), AHEAD_S + 15)
    say("A programme is on air in each of them.")
    time.sleep(max(0.0, starts_s + MERGED_AFTER_S - time.time()))
    configs: dict[str, int] = {}
    for commune_id in NAMES:
        browser.send("/commune", commune=commune_id)
        configs |= {r["receiver"]: r["config_revision"] for r in browser.api("/receivers")}
    database, clock = Database(demo.database), ControllerClock()
    try:
        with database.session() as session:
            rehearsal: Rehearsal = rehearse(session, PLAN, clock.now(), hooks=MERGER_HOOKS)
            before = counts(session, list(NAMES), clock.now())
        say(f"Rehearsed; open questions, answered as suggested: {len(rehearsal.questions)}.")
        merger_started_at_s = time.monotonic()
        with database.writing() as session:
            merge(
                session,
                PLAN,
                rehearsal.suggested(),
                clock.now(),
                "demo",
                fingerprint=rehearsal.fingerprint,
                hooks=MERGER_HOOKS,
            )
        took_s = time.monotonic() - merger_started_at_s
        with database.session() as session:
            after = counts(session, [TRUNG], clock.now())[TRUNG]
    finally:
        database.close()
    say(f"Merged into {NAMES[TRUNG]} in {took_s:.2f} s; the programmes go on.")
    browser.send("/commune", commune=TRUNG)
    wait_for("the receivers in the new commune", lambda: _configured(browser, configs), 20)
    told_s = time.monotonic() - merger_started_at_s
    merged = MergerFigures(_sum(before.values()), after, len(PLAN.sources), running, took_s, told_s)
    for commune_id, broadcast in running.items():
        merged.reports[commune_id] = wait_for_reports(browser, broadcast, receivers=1)
    say("Each was heard to its end, under the name of its time.")
    return merged


def play_together(browser: Browser, uploaded: Path, say: Say) -> dict[str, Any]:
    """Play a programme of the merged commune on all receivers. Returns the broadcast with its reports."""
    clip, _ = upload(browser, uploaded)
    programme_form = {"title": "Bản tin xã mới", "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}]}
    programme = browser.api("/programmes", programme_form)["programme"]
    broadcast = str(schedule_once(browser, programme, time.time() + AHEAD_S)["broadcasts"][0])
    say("A programme of the new commune for all three is on its way.")
    report = wait_for_reports(browser, broadcast, receivers=len(SITES))
    say("It sounded on all three.")
    return report


def check_mergers(demo: MergersDemo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Returns the figures, and a line for each expectation that failed.

    keep: a folder for copies of the recordings and the uploads.
    """
    if demo.presenter is None:
        raise DemoFailed("the communes in this folder are merged already; choose a new folder, or none")
    browser = Browser(demo.url)
    sign_in(browser, *demo.presenter)
    first, second = demo.folder / "during.mp3", demo.folder / "afterwards.mp3"
    make_mp3(first)
    make_mp3(second, seed=11)
    merged = merge_live(demo, browser, first, lambda _: None)
    report = play_together(browser, second, lambda _: None)
    apart = skew(instants_at_horns(demo, second, keep))
    during = dict(zip((p.commune for p in SITES), instants_at_horns(demo, first, keep), strict=True))
    log = [b["broadcast"] for b in browser.api("/play-log")]
    figures = {
        "before": _counted(merged.before),
        "after": {**_counted(merged.after, merged.areas), "areas": merged.areas},
        "merge_s": round(merged.took_s, 3),
        "told_s": round(merged.told_s, 2),
        "running": {
            c: {
                "outcome": broadcast["receivers"][0]["outcome"],
                "frames_played": _frames(demo, merged.running[c], "frames_played"),
                "frames_due": _frames(demo, merged.running[c], "frames_due"),
                "windows_missing": missing_windows(during[c]),
            }
            for c, broadcast in merged.reports.items()
        },
        "old_found_in_new_log": sum(b in log for b in merged.running.values()),
        "receivers": len(report["receivers"]),
        "heard": report["heard"],
        "outcomes": {r["receiver"]: r["outcome"] for r in report["receivers"]},
        "skew_ms_p50": round(apart.p50_ms, 4),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "skew_ms_max": round(apart.max_ms, 4),
        "windows": apart.windows,
        "relays_left_on": sorted(name for name, on in demo.board.on.items() if on),
        "switchings": len(demo.board.switched),
    }
    return figures, failures(figures)


def failures(figures: dict[str, Any]) -> list[str]:
    lines = []
    before, after = figures["before"], figures["after"]
    for count in before:
        if after[count] != before[count]:
            lines.append(f"{count}: {before[count]} before, {after[count]} after")
    for commune_id, broadcast in figures["running"].items():
        if broadcast["outcome"] != "played" or broadcast["windows_missing"] > MOST_MISSING:
            lines.append(f"what was on air in {commune_id} was not played completely: {broadcast}")
    if figures["old_found_in_new_log"] != len(SITES):
        lines.append("the new commune's play log lacks broadcasts from before the merger")
    if figures["heard"] != len(SITES) or set(figures["outcomes"].values()) != {"played"}:
        lines.append(f"the new commune's programme was not played by every receiver: {figures['outcomes']}")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        lines.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    return lines


def show_mergers(demo: MergersDemo, say: Say) -> None:
    """Run the merger and print each step."""
    if demo.presenter is None:
        say("The communes in this folder are merged already; sign in to look at them.")
        return
    browser = Browser(demo.url)
    sign_in(browser, *demo.presenter)
    first, second = demo.folder / "during.mp3", demo.folder / "afterwards.mp3"
    make_mp3(first)
    make_mp3(second, seed=11)
    merged = merge_live(demo, browser, first, say)
    say(f"Before: {_counted(merged.before)}")
    say(f"After:  {_counted(merged.after, merged.areas)} and {merged.areas} zones for the former communes")
    play_together(browser, second, say)
    say(f"In step: {skew(instants_at_horns(demo, second, None)).p99_ms:.3f} ms apart (p99)")


def _counted(counts_found: CommuneCounts, areas: int = 0) -> dict[str, int]:
    shown = ("receivers", "zones", "programmes", "schedules")
    by_name = {name: value for name, value in asdict(counts_found).items() if name in shown}
    return {**by_name, "zones": counts_found.zones - areas, "play_log_rows": counts_found.play_log}


def _sum(parts: Iterable[CommuneCounts]) -> CommuneCounts:
    by_name = [asdict(part) for part in parts]
    return CommuneCounts(**{name: sum(part[name] for part in by_name) for name in by_name[0]})


def _frames(demo: MergersDemo, broadcast: str, column: str) -> int:
    database = Database(demo.database)
    try:
        with database.session() as session:
            site = next(r for r in SITES if session.get(PlayReportRow, (broadcast, r.receiver_id)) is not None)
            return int(getattr(session.get_one(PlayReportRow, (broadcast, site.receiver_id)), column))
    finally:
        database.close()


def _online(browser: Browser, commune_id: str) -> bool:
    browser.send("/commune", commune=commune_id)
    receivers = browser.api("/receivers")
    return bool(receivers) and all(r["state"] == "online" and r["clock_error_us"] is not None for r in receivers)


def _is_on_air(browser: Browser, commune_id: str) -> bool:
    browser.send("/commune", commune=commune_id)
    return any(r["broadcast"] for r in browser.api("/receivers"))


def _configured(browser: Browser, before: dict[str, int]) -> bool:
    revisions = {r["receiver"]: r["config_revision"] for r in browser.api("/receivers")}
    return all((revisions.get(receiver) or 0) > revision for receiver, revision in before.items())

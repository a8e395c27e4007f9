"""The screen is what will sound: for any timetable, who the page says has the horn is who has it on the receiver."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.manifest_items import clip_items
from broadcast.manifests import manifest_of
from broadcast.on_air import on_air_now
from broadcast.planning import new_broadcast, plan_broadcast
from broadcast.programmes import Item, ItemKind
from receiver.playout.ladder import Ladder
from runtime.clock import ManualClock, to_us
from runtime.refusal import Refusal
from schedules.conflicts import PlannedAiring, airings_of, clashing
from schedules.explanations import preemptions_of
from schedules.occurrences import between
from schedules.recurrence import Holidays, Repeat, Rule, Season
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, KEY
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.schedules.test_slots import Office
from wire.broadcasts import BroadcastClass, Manifest, Targets
from wire.messages import for_commune
from wire.sealing import PublicKey, open_sealed

FIRST = date(2026, 11, 24)
RECEIVERS = {"loa-1": "thon-1", "loa-2": "thon-2"}
#: Few, so that many meet; to the second.
AT = st.sampled_from([time(6), time(6, 0, 30), time(6, 1), time(17), time(23, 59, 30)])
TIMES = st.lists(AT, min_size=1, max_size=3)
SEASON = st.builds(lambda times: [Season(first=(11, 25), last=(2, 1), times=times)], TIMES)
RULES = st.builds(
    Rule,
    repeat=st.sampled_from([Repeat.ONCE, Repeat.DAILY, Repeat.WEEKLY, Repeat.MONTHLY_BY_DAY]),
    times=TIMES,
    from_day=st.sampled_from([FIRST, FIRST + timedelta(days=2)]),
    weekdays=st.just([1, 2, 3]),
    month_days=st.just([24, 25, 26]),
    every=st.integers(1, 2),
    seasons=st.one_of(st.just([]), SEASON),
    holidays=st.sampled_from(list(Holidays)[:2]),
    except_days=st.sampled_from([[], [FIRST + timedelta(days=3)]]),
    extra_days=st.sampled_from([[], [FIRST + timedelta(days=1)]]),
)
TIMETABLES = st.lists(
    st.tuples(
        RULES,
        st.sampled_from(list(BroadcastClass)),
        st.integers(-1, 1),
        st.sampled_from([1, 2]),
        st.sampled_from([ALL, Targets(zones=["thon-1"]), Targets(receivers=["loa-2"])]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(TIMETABLES)
def test_who_has_the_horn_on_the_page_has_it_on_the_receiver_at_every_edge(wanted: list[tuple]) -> None:  # type: ignore[type-arg]
    with TemporaryDirectory() as folder:
        database = empty_database(Path(folder) / "loa.db")
        office = Office(ManualClock(MORNING), database)
        with database.writing() as session:
            clips = [Item(ItemKind.CLIP, "bulletin")] * 2
            programmes = {1: office.programme, 2: office.add_programme(session, "Hai lần", clips)}
            for number, (rule, class_, precedence, minutes, targets) in enumerate(wanted):
                with suppress(Refusal):  # a rule that is never due is no schedule
                    added = add_schedule(
                        session,
                        COMMUNE,
                        programme_id=programmes[minutes],
                        rule=rule,
                        targets=targets,
                        class_=class_,
                        precedence=precedence,
                        now=MORNING,
                    )
                    added.title = str(number)
                    session.add(added)
        office.plan()
        with database.session() as session:
            due = between(session, COMMUNE, FIRST, FIRST + timedelta(days=5))
            shown = [w for w in airings_of(due) if MORNING <= w.starts_at < MORNING + timedelta(hours=48)]
            sent = [_sent(b, office) for b in session.exec(select(Broadcast)) if b.withdrawn_at is None]
            marked = clashing(session, COMMUNE, shown)
        database.close()
    edges = sorted({at for wish in shown for at in (wish.starts_at, wish.ends_at)})
    for receiver, zone in RECEIVERS.items():
        ours = [m for m in sent if m.targets.include(receiver, [zone])]
        ladder = Ladder(ours, None, lambda _: None, lambda _: None)
        for edge in edges:
            for at in (edge - timedelta(microseconds=1), edge):
                page, horn = _on_page(shown, receiver, zone, at), ladder.now(to_us(at))
                assert (page.order if page else None) == (horn.broadcast[:8] if horn else None), (receiver, at)
                wanting = [w for w in shown if w.starts_at <= at < w.ends_at and w.targets.include(receiver, [zone])]
                if len(wanting) > 1:
                    assert all((w.order, w.starts_at) in marked for w in wanting)


#: Few instants, precedences and orders, so that most of them tie up to the id.
BROADCASTS = st.lists(
    st.tuples(
        st.sampled_from(list(BroadcastClass)),
        st.integers(0, 1),
        st.sampled_from([timedelta(minutes=5), timedelta(minutes=5, microseconds=1), timedelta(minutes=6)]),
        st.sampled_from([ALL, Targets(zones=["thon-1"]), Targets(receivers=["loa-2"])]),
    ),
    min_size=2,
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(BROADCASTS)
def test_page_explanation_and_receiver_name_the_same_broadcast_up_to_the_last_tie(wanted: list[tuple]) -> None:  # type: ignore[type-arg]
    with TemporaryDirectory() as folder:
        database = empty_database(Path(folder) / "loa.db")
        office = Office(ManualClock(MORNING), database)
        with database.writing() as session:
            for number, (class_, precedence, after, targets) in enumerate(wanted):
                plan_broadcast(
                    session,
                    new_broadcast(
                        commune_id=COMMUNE,
                        title=str(number),
                        class_=class_,
                        precedence=precedence,
                        targets=targets,
                        starts_at=MORNING + after,
                        length_us=120_000_000,
                        items=clip_items(session, "bulletin"),
                        now=MORNING,
                    ),
                )
        with database.session() as session:
            broadcasts = list(session.exec(select(Broadcast)))
            edges = sorted({at for b in broadcasts for at in (b.starts_at, b.ends_at)})
            for receiver, zone in RECEIVERS.items():
                ladder = Ladder(
                    [_sent(b, office) for b in broadcasts if b.audience.include(receiver, [zone])],
                    None,
                    lambda _: None,
                    lambda _: None,
                )
                for at in edges:
                    on_air = [b for b in on_air_now(session, COMMUNE, at) if b.audience.include(receiver, [zone])]
                    playing = ladder.now(to_us(at))
                    assert (on_air[0].id if on_air else None) == (playing.broadcast if playing else None)
                    for b in on_air:
                        cuts = preemptions_of(session, b, [receiver])[receiver]
                        is_cut = any(cut.since <= at < cut.until for cut in cuts)
                        assert is_cut == (b.id != on_air[0].id)
        database.close()


def _on_page(shown: list[PlannedAiring], receiver: str, zone: str, at: datetime) -> PlannedAiring | None:
    open_now = [w for w in shown if w.starts_at <= at < w.ends_at and w.targets.include(receiver, [zone])]
    return max(open_now, key=lambda w: w.rank, default=None)


def _sent(b: Broadcast, office: Office) -> Manifest:
    """As it goes over the wire: sealed, opened."""
    sealed = KEY.seal(manifest_of(b, office.now()))
    keys = {KEY.kid: PublicKey(KEY.public)}
    return open_sealed(sealed, Manifest, keys, to=for_commune(COMMUNE), now_us=None)

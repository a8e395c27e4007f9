"""Outside the allowed hours nothing but an emergency is kept, planned, put on air or sounds; nor too many minutes."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcast.manifests import manifest_of
from broadcast.planning import put_on_air
from devices.receivers import receivers, renew_configs
from noise.noise_rules import allowed_times, days_off_ahead, hours_for, rules_of, set_rules
from receiver.playout.ladder import playing_intervals
from runtime.clock import ManualClock, from_us, to_us
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.noise_budget import check_budget
from schedules.recurrence import Repeat, Rule
from schedules.timetable import change_schedule
from tests.broadcast.studio import ALL, KEY
from tests.cast import COMMUNE
from tests.empty_database import empty_database
from tests.schedules.test_slots import DAY, SIX, TODAY, Office, at
from wire.allowed_hours import AllowedHours, NightLevel, allowed
from wire.broadcasts import BroadcastClass, Targets
from wire.commands import Config
from wire.sealing import PublicKey, open_sealed

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
EVERY_DAY = list(range(7))
FIVE_TO_NINE = AllowedHours(weekdays=EVERY_DAY, from_minute=5 * 60, until_minute=21 * 60)
MORNINGS = AllowedHours(weekdays=EVERY_DAY, from_minute=5 * 60, until_minute=12 * 60)


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    return Office(clock, database)


def rules(office: Office, zone: str = "", **more: object) -> None:
    with office.database.writing() as session:
        set_rules(session, COMMUNE, zone, **more)  # type: ignore[arg-type]


def once(hour: int, minute: int = 0, second: int = 0) -> Rule:
    return Rule(repeat=Repeat.ONCE, times=[time(hour, minute, second)], from_day=TODAY + DAY)


@pytest.mark.parametrize("rule", [once(5), once(20, 59)])
def test_what_ends_as_the_hours_end_is_kept(office: Office, rule: Rule) -> None:
    rules(office, hours=[FIVE_TO_NINE])
    assert office.schedule(rule)


@pytest.mark.parametrize("rule", [once(4, 59, 59), once(20, 59, 1), once(3, 15)])
def test_what_begins_a_second_too_early_or_ends_a_second_too_late_is_refused(office: Office, rule: Rule) -> None:
    rules(office, hours=[FIVE_TO_NINE])
    with pytest.raises(Refusal, match="outside the allowed hours"):
        office.schedule(rule)


def test_an_emergency_is_kept_at_any_hour(office: Office) -> None:
    rules(office, hours=[FIVE_TO_NINE])
    assert office.schedule(once(3, 15), class_=BroadcastClass.EMERGENCY)


def test_an_emergency_cannot_be_made_a_normal_one_by_changing_it(office: Office) -> None:
    rules(office, hours=[FIVE_TO_NINE])
    number = office.schedule(once(3, 15), class_=BroadcastClass.EMERGENCY)
    with office.database.writing() as session, pytest.raises(Refusal, match="outside the allowed hours"):
        change_schedule(session, number, now=office.now(), class_=BroadcastClass.NORMAL)


def test_a_zone_with_hours_of_its_own_refuses_what_the_others_may_hear_and_is_named(office: Office) -> None:
    rules(office, hours=[FIVE_TO_NINE])
    rules(office, "thon-2", hours=[MORNINGS])
    with pytest.raises(Refusal) as refused:
        office.schedule(once(17))
    assert "thon-2" in str(refused.value)
    assert office.schedule(once(17), targets=Targets(zones=["thon-1"]))
    assert office.schedule(once(11))


def test_one_day_of_the_year_outside_is_enough_to_be_told_before(office: Office) -> None:
    winter = AllowedHours(
        weekdays=EVERY_DAY, from_minute=6 * 60, until_minute=21 * 60, season_first="12-15", season_last="02-15"
    )
    summer = AllowedHours(
        weekdays=EVERY_DAY, from_minute=5 * 60, until_minute=21 * 60, season_first="02-16", season_last="12-14"
    )
    rules(office, hours=[winter, summer])
    with pytest.raises(Refusal, match="15/12/2026"):
        office.schedule(at(5.5))
    assert office.schedule(at(6))


def test_hours_that_are_narrowed_later_withdraw_what_is_planned_and_widened_again_bring_it_back(
    office: Office,
) -> None:
    office.clock.set(SIX - timedelta(hours=1))
    number = office.schedule(at(6))
    office.plan()
    rules(office, hours=[AllowedHours(weekdays=EVERY_DAY, from_minute=7 * 60, until_minute=21 * 60)])
    withdrawn = office.plan().withdrawn
    assert len(withdrawn) == 2
    assert office.in_force() == []
    assert [(o, c) for _, o, c in office.slots(number)] == [("refused", "allowed_hours")] * 2
    assert not office.plan().anything  # and it stays so, without withdrawing and planning in turn
    rules(office, hours=[FIVE_TO_NINE])
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]


def test_nothing_but_an_emergency_is_put_on_air_now_outside_the_hours(office: Office) -> None:
    rules(office, hours=[MORNINGS])
    office.clock.set(SIX + timedelta(hours=12))
    with pytest.raises(Refusal, match="outside the allowed hours"):
        office.speak_now()
    with pytest.raises(Refusal, match="outside the allowed hours"):
        office.speak_now(BroadcastClass.PRIORITY)
    assert office.speak_now(BroadcastClass.EMERGENCY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": [AllowedHours(weekdays=[0], from_minute=600, until_minute=600)]},
        {"hours": [AllowedHours(weekdays=[], from_minute=0, until_minute=600)]},
        {"hours": [AllowedHours(weekdays=[0], from_minute=0, until_minute=600, season_first="10-15")]},
        {"hours": [FIVE_TO_NINE] * 13},
        {"night": NightLevel(from_minute=60, until_minute=60, volume_percent=10)},
        {"minutes_a_day": 0},
        {"minutes_a_week": 10_081},
        {"zone_id": "no-such-zone"},
    ],
)
def test_rules_that_are_none_are_refused_and_nothing_is_kept(office: Office, wrong: dict[str, object]) -> None:
    given_zone = wrong.pop("zone_id", "") if isinstance(wrong, dict) else ""
    with pytest.raises(Refusal):
        rules(office, str(given_zone), **wrong)
    with office.database.session() as session:
        assert rules_of(session, COMMUNE) == {}


def test_new_rules_reach_every_receiver_as_a_newer_config(office: Office) -> None:
    def configs() -> list[Config]:
        office.broker.log.clear()
        with office.database.session() as session:
            office.downlink.configure_all(session, receivers(session))
        return [opened(payload, topic) for topic, payload, *_ in office.broker.log]

    def opened(payload: bytes, topic: str) -> Config:
        to = "r/" + topic.split("/")[3]
        return open_sealed(payload, Config, {KEY.kid: PublicKey(KEY.public)}, to=to, now_us=None)

    before = {c.to: c.revision for c in configs()}
    night = NightLevel(from_minute=1320, until_minute=300, volume_percent=30)
    rules(office, hours=[FIVE_TO_NINE])
    rules(office, "thon-2", hours=[MORNINGS], night=night)
    after = {c.to: c for c in configs()}
    assert all(after[to].revision > revision for to, revision in before.items())
    assert [h.zone for h in after["r/loa-1"].allowed_hours] == [""]
    assert [h.zone for h in after["r/loa-2"].allowed_hours] == ["", "thon-2"]
    assert (after["r/loa-1"].night_levels, after["r/loa-2"].night_levels) == ([], [night])
    assert date(2026, 9, 2) in after["r/loa-1"].days_off
    with office.database.writing() as session:
        renew_configs(session, office.clock.now())
    office.clock.set(SIX + timedelta(days=31))
    with office.database.writing() as session:
        renew_configs(session, office.clock.now())
    assert all(c.revision == after[c.to].revision + 1 for c in configs())  # a new month: it holds longer again


def test_a_budget_that_refuses_counts_the_day_and_the_week_to_the_minute(office: Office) -> None:
    rules(office, minutes_a_day=2, refuses=True)
    office.schedule(at(6))
    office.schedule(at(7))
    with pytest.raises(Refusal, match="3 minutes; the limit is 2"):
        office.schedule(at(8))
    rules(office, minutes_a_week=14, refuses=True)
    with pytest.raises(Refusal, match=r"In the week of 30/11/2026, .* 15 minutes; the limit is 14"):
        office.schedule(Rule(repeat=Repeat.ONCE, times=[time(8)], from_day=date(2026, 12, 2)))


def test_a_budget_that_warns_refuses_nothing_and_an_emergency_counts_for_nothing(office: Office) -> None:
    rules(office, minutes_a_day=1)
    office.schedule(at(6))
    office.schedule(at(7))
    rules(office, minutes_a_day=2, refuses=True)
    office.schedule(at(8), class_=BroadcastClass.EMERGENCY)


def test_a_zone_has_its_own_budget_and_what_it_does_not_hear_costs_it_nothing(office: Office) -> None:
    rules(office, "thon-2", minutes_a_day=1, refuses=True)
    office.schedule(at(6), targets=Targets(zones=["thon-1"]))
    office.schedule(at(7))
    with pytest.raises(Refusal, match="thon-2"):
        office.schedule(at(8))
    office.schedule(at(8), targets=Targets(receivers=["loa-1"]))


def test_what_is_put_on_air_now_counts_too(office: Office) -> None:
    rules(office, minutes_a_day=1, refuses=True)

    def speak(class_: BroadcastClass) -> None:
        with office.database.writing() as session:
            made = put_on_air(
                session, COMMUNE, targets=ALL, class_=class_, now=office.now(), programme_id=office.programme
            )
            check_budget(session, made)

    speak(BroadcastClass.NORMAL)
    office.clock.set(office.now() + timedelta(minutes=5))
    with pytest.raises(Refusal, match="2 minutes; the limit is 1"):
        speak(BroadcastClass.NORMAL)
    assert len(office.all()) == 1  # nothing partial stays
    speak(BroadcastClass.EMERGENCY)


stretch = st.builds(
    lambda days, a, b, season: AllowedHours(
        weekdays=sorted(days),
        from_minute=min(a, b),
        until_minute=max(a, b) + 1,
        season_first=season[0],
        season_last=season[1],
    ),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.sampled_from([("", ""), ("10-15", "03-15"), ("11-26", "10-14")]),
)
timetables = st.lists(
    st.tuples(
        st.sampled_from(list(BroadcastClass)),
        st.lists(st.integers(0, 1439), min_size=1, max_size=3),
        st.sampled_from([ALL, Targets(zones=["thon-1"]), Targets(receivers=["loa-2"])]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(timetables, st.lists(stretch, max_size=3), st.lists(stretch, max_size=2))
def test_nothing_but_an_emergency_sounds_outside_the_hours_for_any_timetable_whoever_made_the_plan(
    clock: ManualClock,
    tmp_path_factory: pytest.TempPathFactory,
    wanted: list[tuple],  # type: ignore[type-arg]
    of_commune: list[AllowedHours],
    of_zone: list[AllowedHours],
) -> None:
    database = empty_database(tmp_path_factory.mktemp("hours") / "loa.db")
    clock.set(SIX - timedelta(hours=6))
    office = Office(clock, database)
    numbers = []
    for class_, minutes, targets in wanted:
        rule = Rule(
            repeat=Repeat.DAILY, from_day=TODAY, times=sorted({time(minute // 60, minute % 60) for minute in minutes})
        )
        numbers.append(office.schedule(rule, class_=class_, targets=targets))
    rules(office, hours=of_commune)
    rules(office, "thon-2", hours=of_zone)
    office.plan()
    with database.session() as session:
        kept = rules_of(session, COMMUNE)
        for planned in office.all():
            assert planned.broadcast_class is BroadcastClass.EMERGENCY or allowed_times(
                session, COMMUNE, planned.audience, TODAY
            ).allows_any(planned.starts_at)
    for receiver, zone in (("loa-1", "thon-1"), ("loa-2", "thon-2")):
        hours = hours_for(kept, [zone])
        config = Config(
            to="",
            revision=1,
            issued_at_us=0,
            expires_at_us=0,
            commune=COMMUNE,
            media_bases=[],
            allowed_hours=hours,
            days_off=days_off_ahead(TODAY),
            zones=[zone],
        )
        manifests = [manifest_of(b, office.now()) for b in office.all()]
        ours = [m for m in manifests if m.targets.include(receiver, [zone])]
        start, end = office.now(), office.now() + timedelta(days=2)
        for one in playing_intervals(ours, config, to_us(start), to_us(end)):
            if one.manifest is not None and one.manifest.class_ is not BroadcastClass.EMERGENCY:
                for moment in (one.from_us, one.until_us - 1):
                    assert allowed(hours, config.days_off, VIETNAM, from_us(moment))
    database.close()

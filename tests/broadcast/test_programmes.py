"""Programmes: what is in them, in which order, and how long they last."""

import pytest

from broadcast.manifest_items import clip_items, manifest_items
from broadcast.programmes import (
    LONGEST_GAP_MS,
    MOST_ITEMS,
    Item,
    ItemKind,
    add_programme,
    duration_us,
    items_of,
    items_of_all,
    programme,
    programmes,
    replace_items,
    used_in,
)
from broadcast.retirement import restore, retire
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from tests.broadcast.studio import SECOND, Studio
from tests.cast import COMMUNE

FULL = [
    Item(ItemKind.OPENING_CHIME),
    Item(ItemKind.CLIP, "bulletin"),
    Item(ItemKind.GAP, gap_ms=2500),
    Item(ItemKind.CLIP, "storm"),
    Item(ItemKind.CLOSING_CHIME),
]


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def test_items_run_one_after_another_and_the_whole_lasts_as_long_as_they(studio: Studio) -> None:
    with studio.database.writing() as session:
        number = studio.add_programme(session, "Cả buổi", FULL)
        running = items_of(session, number)
    assert [i.offset_us for i in running] == [0, 4 * SECOND, 64 * SECOND, 66_500_000, 96_500_000]
    assert duration_us(running) == 99_500_000


def test_a_gap_is_silence_in_the_manifest_and_what_follows_keeps_its_place(studio: Studio) -> None:
    with studio.database.writing() as session:
        made = manifest_items(session, items_of(session, studio.add_programme(session, "Cả buổi", FULL)))
    assert [(i.clip, i.offset_us) for i in made] == [
        ("chime-in", 0),
        ("bulletin", 4 * SECOND),
        ("storm", 66_500_000),
        ("chime-out", 96_500_000),
    ]


def test_a_receiver_is_offered_opus_before_mp3(studio: Studio) -> None:
    with studio.database.session() as session:
        assert [r.codec for r in clip_items(session, "storm")[0].renditions] == ["opus", "mp3"]


def test_other_items_take_the_place_of_all_that_were_there(studio: Studio) -> None:
    with studio.database.writing() as session:
        replace_items(session, studio.programme, FULL)
        replace_items(session, studio.programme, [Item(ItemKind.CLIP, "storm"), Item(ItemKind.CLIP, "bulletin")])
        assert [i.clip.id for i in items_of(session, studio.programme) if i.clip] == ["storm", "bulletin"]


def test_the_same_recording_may_stand_in_it_twice(studio: Studio) -> None:
    with studio.database.writing() as session:
        replace_items(session, studio.programme, [Item(ItemKind.CLIP, "storm"), Item(ItemKind.CLIP, "storm")])
        assert duration_us(items_of(session, studio.programme)) == 60 * SECOND


def test_several_are_read_at_once_and_an_empty_one_is_empty(studio: Studio) -> None:
    with studio.database.writing() as session:
        empty = studio.add_programme(session, "Trống", [])
        found = items_of_all(session, [studio.programme, empty])
    assert len(found[studio.programme]) == 1
    assert found[empty] == []
    assert duration_us(found[empty]) == 0


@pytest.mark.parametrize("items", [[], [Item(ItemKind.GAP, gap_ms=1000)]], ids=["empty", "only silence"])
def test_nothing_to_hear_is_refused_for_air(studio: Studio, items: list[Item]) -> None:
    with studio.database.writing() as session:
        number = studio.add_programme(session, "Trống", items)
        with pytest.raises(Refusal, match="nothing to play"):
            manifest_items(session, items_of(session, number))


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (Item(ItemKind.CLIP, "unknown"), NotFound),
        (Item(ItemKind.CLIP), NotFound),
        (Item(ItemKind.GAP, gap_ms=0), Refusal),
        (Item(ItemKind.GAP, gap_ms=-1), Refusal),
        (Item(ItemKind.GAP, gap_ms=LONGEST_GAP_MS + 1), Refusal),
    ],
)
def test_a_bad_item_is_refused_and_nothing_changes(studio: Studio, item: Item, error: type[Refusal]) -> None:
    with pytest.raises(error), studio.database.writing() as session:
        replace_items(session, studio.programme, [Item(ItemKind.CLIP, "storm"), item])
    with studio.database.session() as session:
        assert [i.clip.id for i in items_of(session, studio.programme) if i.clip] == ["bulletin"]


def test_the_longest_gap_and_the_most_items_are_taken_and_no_more(studio: Studio) -> None:
    gap = Item(ItemKind.GAP, gap_ms=LONGEST_GAP_MS)
    with studio.database.writing() as session:
        replace_items(session, studio.programme, [gap] * MOST_ITEMS)
        with pytest.raises(Refusal, match="at most 100"):
            replace_items(session, studio.programme, [gap] * (MOST_ITEMS + 1))


def test_a_recording_of_another_commune_is_not_there(studio: Studio) -> None:
    with studio.database.writing() as session:
        add_commune(session, "hau-hien", "Hậu Hiền")
        with pytest.raises(NotFound):
            add_programme(session, "hau-hien", "Bản tin", [Item(ItemKind.CLIP, "bulletin")], now=studio.now())


def test_a_programme_needs_a_title(studio: Studio) -> None:
    with studio.database.writing() as session, pytest.raises(Refusal, match="title"):
        studio.add_programme(session, "  ", FULL)


def test_where_a_recording_is_used_is_known_once_and_not_of_retired_ones(studio: Studio) -> None:
    with studio.database.writing() as session:
        twice = studio.add_programme(session, "Bão", [Item(ItemKind.CLIP, "storm")] * 2)
        gone = studio.add_programme(session, "Cũ", [Item(ItemKind.CLIP, "storm")])
        retire(session, programme(session, gone), studio.now())
        session.flush()
        found = used_in(session, ["storm", "bulletin", "chime-in"])
    assert {clip: [p.number for p in used] for clip, used in found.items()} == {
        "storm": [twice],
        "bulletin": [studio.programme],
    }


def test_a_retired_programme_leaves_the_list_and_comes_back(studio: Studio) -> None:
    with studio.database.writing() as session:
        retire(session, programme(session, studio.programme), studio.now())
        session.flush()
        assert programmes(session, COMMUNE) == []
        assert len(programmes(session, COMMUNE, include_retired=True)) == 1
        restore(session, programme(session, studio.programme))
        session.flush()
        assert len(programmes(session, COMMUNE)) == 1

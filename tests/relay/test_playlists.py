"""Playlists that reset, skip, stop and lie."""

import pytest

from relay.playlists import SegmentQueue, listed_addresses, media_playlist, variant_url
from runtime.refusal import Refusal

AT = "http://station/live/list.m3u8"


def text(first: int, names: list[str], *, more: str = "") -> str:
    entries = "".join(f"#EXTINF:4,\n{name}\n" for name in names)
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n{more}{entries}"


def taken(queue: SegmentQueue, first: int, names: list[str]) -> list[str]:
    return [s.url.rpartition("/")[2] for s in queue.take(media_playlist(text(first, names), AT))]


def numbers(first: int, count: int = 6, prefix: str = "") -> list[str]:
    return [f"{prefix}{n}.ts" for n in range(first, first + count)]


def test_it_begins_near_the_end_and_takes_each_segment_once() -> None:
    queue = SegmentQueue()
    assert taken(queue, 10, numbers(10)) == ["13.ts", "14.ts", "15.ts"]
    assert taken(queue, 10, numbers(10)) == []
    assert taken(queue, 12, numbers(12)) == ["16.ts", "17.ts"]


def test_a_playlist_that_skipped_goes_on_where_it_is_with_a_new_decoder() -> None:
    queue = SegmentQueue()
    taken(queue, 10, numbers(10))
    new = queue.take(media_playlist(text(500, numbers(500)), AT))
    assert [s.url.rpartition("/")[2] for s in new] == numbers(500)
    assert [s.restarts for s in new] == [True, *[False] * 5]


@pytest.mark.parametrize("first", [0, 92])
def test_a_playlist_that_began_again_goes_on_near_its_end(first: int) -> None:
    queue = SegmentQueue()
    taken(queue, 100, numbers(100))
    assert taken(queue, first, numbers(first, prefix="new"))[-1] == f"new{first + 5}.ts"
    assert taken(queue, first + 1, numbers(first + 1, prefix="new")) == [f"new{first + 6}.ts"]


def test_an_older_copy_from_a_cache_is_no_beginning() -> None:
    queue = SegmentQueue()
    taken(queue, 100, numbers(100))
    taken(queue, 102, numbers(102))
    assert taken(queue, 100, numbers(100)) == []
    assert taken(queue, 103, numbers(103)) == ["108.ts"]


def test_the_smallest_good_variant_is_played_and_its_sound_alone_where_it_has_one() -> None:
    lists = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="vi",URI="sound.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=12000\nlow.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=900000,AUDIO="a"\nvideo.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=64000\nmid.m3u8\n'
    )
    assert variant_url(lists, AT) == "http://station/live/mid.m3u8"
    assert variant_url(lists.replace("64000", "9000000"), AT) == "http://station/live/sound.m3u8"
    assert variant_url(text(1, ["a.ts"]), AT) == ""


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (text(1, [f"{n}.ts" for n in range(1000)]), "1000 entries"),
        (text(1, ["a.ts"], more='#EXT-X-KEY:METHOD=AES-128,URI="k"\n'), "encrypted"),
        (text(1, ["a.ts"], more="#EXT-X-BYTERANGE:10@0\n"), "parts of one file"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:x,\na.ts\n", "damaged"),
    ],
)
def test_what_cannot_be_played_is_refused(bad: str, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        media_playlist(bad, AT)


def test_short_lists_name_their_addresses() -> None:
    assert listed_addresses("#EXTM3U\n#EXTINF:-1,VOV1\n/vov1.mp3\n", AT) == ["http://station/vov1.mp3"]
    assert listed_addresses("[playlist]\nFile1=http://b/x\nFile2=http://c/y\n", AT) == ["http://b/x", "http://c/y"]
    assert listed_addresses(text(1, ["a.ts"]), AT) is None
    with pytest.raises(Refusal, match="empty"):
        listed_addresses("#EXTM3U\n", AT)

"""The shelf over a real HTTP server: fetched ahead, resumed, checked, never more than its limit."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from receiver.store.shelf import Shelf, Wanted
from transport.worker import BackOff
from wire.broadcasts import Rendition


class Server:
    """Serves files by name, by ranges; `cut_after` breaks the next answer off after so many bytes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.cut_after = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name, ranged = self.path.rsplit("/", 1)[-1], self.headers.get("Range", "")
                outer.asked.append((name, ranged))
                content = outer.files.get(name)
                if content is None:
                    self.send_error(404)
                    return
                start = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
                self.send_response(206 if ranged else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                cut, outer.cut_after = outer.cut_after, 0
                self.wfile.write(content[start : start + cut] if cut else content[start:])

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}/media/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, content: bytes) -> Rendition:
        sha256 = hashlib.sha256(content).hexdigest()
        self.files[f"{sha256}.opus"] = content
        return Rendition(sha256=sha256, bytes=len(content), codec="opus", path=f"{sha256}.opus")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr("receiver.store.shelf._RETRY", BackOff(0.05, 0.05))
    made = Shelf(tmp_path / "shelf")
    made.start()
    yield made
    made.close()


def until(there: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 5
    while not there():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_what_is_wanted_soonest_is_fetched_first_and_each_once(server: Server, shelf: Shelf) -> None:
    late, soon = server.keep(b"late" * 100), server.keep(b"soon" * 100)
    shelf.want([Wanted(late, 200), Wanted(soon, 100), Wanted(soon, 300)], [server.base])
    until(lambda: shelf.path_of(late))
    assert [name for name, _ in server.asked] == [soon.path, late.path]
    assert shelf.path_of(soon).read_bytes() == b"soon" * 100  # type: ignore[union-attr]


def test_a_cut_download_is_resumed_where_it_broke(server: Server, shelf: Shelf) -> None:
    wanted = server.keep(bytes(range(256)) * 2000)
    server.cut_after = 100_000
    shelf.want([Wanted(wanted, 1)], [server.base])
    until(lambda: shelf.path_of(wanted))
    assert server.asked[0] == (wanted.path, "")
    assert server.asked[1][1].startswith("bytes=")
    assert int(server.asked[1][1].removeprefix("bytes=").rstrip("-")) > 0


def test_wrong_bytes_are_thrown_away_counted_and_never_on_the_shelf(server: Server, shelf: Shelf) -> None:
    wanted = server.keep(b"right" * 100)
    server.files[wanted.path] = b"wrong" * 100
    shelf.want([Wanted(wanted, 1)], [server.base])
    until(lambda: shelf.corrupt)
    assert shelf.path_of(wanted) is None
    server.files[wanted.path] = b"right" * 100
    until(lambda: shelf.path_of(wanted))


def test_the_next_base_is_tried_when_one_has_nothing(server: Server, shelf: Shelf) -> None:
    wanted = server.keep(b"x" * 500)
    shelf.want([Wanted(wanted, 1)], ["http://127.0.0.1:9/none/", "ftp://nowhere/", server.base])
    until(lambda: shelf.path_of(wanted))


def test_what_nobody_wants_makes_room_and_what_is_wanted_stays(server: Server, shelf: Shelf) -> None:
    old, new, more = server.keep(b"o" * 600), server.keep(b"n" * 600), server.keep(b"m" * 600)
    shelf.limit_bytes = 1300
    shelf.want([Wanted(old, 1), Wanted(new, 2)], [server.base])
    until(lambda: shelf.path_of(old) and shelf.path_of(new))
    shelf.want([Wanted(new, 1), Wanted(more, 2)], [server.base])
    until(lambda: shelf.path_of(more))
    assert shelf.path_of(old) is None
    assert shelf.path_of(new) is not None
    shelf.want([Wanted(new, 1), Wanted(more, 2), Wanted(old, 3)], [server.base])
    until(lambda: shelf.full)


def test_a_file_that_rotted_on_the_disk_is_fetched_anew(server: Server, shelf: Shelf) -> None:
    wanted = server.keep(b"good" * 200)
    shelf.want([Wanted(wanted, 1)], [server.base])
    until(lambda: shelf.path_of(wanted))
    path = shelf.path_of(wanted)
    assert path is not None
    path.write_bytes(b"rot!" * 200)
    shelf.recheck(path)
    until(lambda: shelf.path_of(wanted) and path.read_bytes() == b"good" * 200)
    assert shelf.corrupt == 1
    shelf.recheck(path)  # what is right stays
    assert path.exists()


def test_what_was_fetched_is_there_after_a_restart(server: Server, shelf: Shelf, tmp_path: Path) -> None:
    wanted = server.keep(b"z" * 300)
    shelf.want([Wanted(wanted, 1)], [server.base])
    until(lambda: shelf.path_of(wanted))
    assert Shelf(tmp_path / "shelf").path_of(wanted) is not None


def test_what_may_wait_waits_for_its_instant_and_what_may_not_goes_before(server: Server, tmp_path: Path) -> None:
    clock = [1_000_000]
    shelf = Shelf(tmp_path / "shelf", now_us=lambda: clock[0])
    shelf.start()
    tonight, now = server.keep(b"tonight" * 100), server.keep(b"now" * 100)
    tomorrow = [Wanted(tonight, 10**12, 2_000_000), Wanted(now, 10**13)]
    shelf.want(tomorrow, [server.base])
    until(lambda: shelf.path_of(now))
    assert shelf.path_of(tonight) is None
    clock[0] = 2_000_000
    shelf.want([*tomorrow, Wanted(now, 10**14)], [server.base])  # something changed: it is looked at again
    until(lambda: shelf.path_of(tonight))
    shelf.close()
    assert [name for name, _ in server.asked] == [now.path, tonight.path]


def test_while_the_time_is_unknown_nothing_waits(server: Server, shelf: Shelf) -> None:
    tonight = server.keep(b"tonight" * 100)
    shelf.want([Wanted(tonight, 10**12, 10**11)], [server.base])
    until(lambda: shelf.path_of(tonight))


def test_a_full_shelf_is_said_to_be_so_only_while_something_lacks(server: Server, shelf: Shelf) -> None:
    kept, big = server.keep(b"k" * 600), server.keep(b"b" * 1000)
    shelf.limit_bytes = 1300
    shelf.want([Wanted(kept, 1), Wanted(big, 2)], [server.base])
    until(lambda: shelf.full)
    assert shelf.path_of(kept) is not None  # what is needed sooner stays
    shelf.want([Wanted(kept, 1)], [server.base])
    until(lambda: not shelf.full)


def test_a_disk_without_room_is_full_until_there_is_room_and_what_nobody_wants_goes_first(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.store.shelf._RETRY", BackOff(0.05, 0.05))
    old, new = server.keep(b"o" * 600), server.keep(b"n" * 600)
    shelf = Shelf(tmp_path / "shelf", reserve_bytes=0)
    shelf.start()
    shelf.want([Wanted(old, 1)], [server.base])
    until(lambda: shelf.path_of(old))
    shelf._reserve_bytes = 1 << 62
    shelf.want([Wanted(new, 1)], [server.base])
    until(lambda: shelf.full and shelf.lacks_room.startswith("no room"))
    assert (shelf.path_of(old), shelf.path_of(new)) == (None, None)
    shelf._reserve_bytes = 0
    until(lambda: shelf.path_of(new))
    assert (shelf.full, shelf.lacks_room) == (False, "")
    shelf.close()


def test_what_comes_damaged_is_said_so_until_it_comes_whole_or_nobody_wants_it(server: Server, shelf: Shelf) -> None:
    wanted, other = server.keep(b"right" * 100), server.keep(b"fine" * 100)
    server.files[wanted.path] = b"wrong" * 100
    shelf.want([Wanted(wanted, 1), Wanted(other, 2)], [server.base])
    until(lambda: shelf.damaged)
    assert shelf.damaged.startswith(wanted.sha256[:16])
    shelf.want([Wanted(other, 2)], [server.base])
    assert shelf.damaged == ""
    shelf.want([Wanted(wanted, 1)], [server.base])
    server.files[wanted.path] = b"right" * 100
    until(lambda: shelf.path_of(wanted))
    assert shelf.damaged == ""

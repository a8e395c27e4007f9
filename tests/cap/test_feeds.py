"""Feeds of alerts: new files are fetched once, an unchanged feed is not read, one that fails is asked less often."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from cap.feeds import FeedLink, read_feed
from cap.sources import cap_source
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cap.alert_commune import GRAVE, AlertCommune
from tests.cap.cap_files import alert, reference
from usecases import cap_feeds
from usecases.cap_feeds import CapFeeds

LATER = "2026-11-24T04:57:00+07:00"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><updated>1</updated><link href="a.html"/>
<link type="application/cap+xml" href="a.xml"/></entry><entry><link href="http://x.example/b"/></entry><entry/></feed>"""
RSS = """<rss><channel><item><link>http://x.example/c</link><pubDate>2</pubDate></item><item><link>d</link>
<enclosure type="application/cap+xml" url="e.xml"/></item></channel></rss>"""


def test_links_of_atom_and_rss_are_found() -> None:
    url = "http://x.example/feeds/cap.atom"
    assert read_feed(ATOM.encode(), url).links == (
        FeedLink("http://x.example/feeds/a.xml", "1"),
        FeedLink("http://x.example/b"),
    )
    assert read_feed(RSS.encode(), url).links == (
        FeedLink("http://x.example/c", "2"),
        FeedLink("http://x.example/feeds/e.xml"),
    )
    assert read_feed(alert(), url).is_alert
    with pytest.raises(Refusal, match="neither an Atom nor an RSS"):
        read_feed(b"<html/>", url)
    with pytest.raises(Refusal, match="DOCTYPE"):
        read_feed(b'<!DOCTYPE rss [<!ENTITY x "y">]><rss/>', url)


class AlertServer:
    """files: by path. asked: paths of all requests; fresh: answers 304 to a request with the ETag of `version`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.version = "1"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                same = self.headers.get("If-None-Match") == f'"{outer.version}"'
                body = outer.files.get(self.path)
                self.send_response(404 if body is None else 304 if same else 200)
                if self.path == "/feed":
                    self.send_header("ETag", f'"{outer.version}"')
                self.send_header("Content-Length", "0" if same else str(len(body or b"")))
                self.end_headers()
                if body is not None and not same:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def offer(self, **files: bytes) -> None:
        """These and no others, with an index of them."""
        links = "".join(
            f'<entry><updated>1</updated><link type="application/cap+xml" href="{name}"/></entry>' for name in files
        )
        index = f'<feed xmlns="http://www.w3.org/2005/Atom">{links}</feed>'.encode()
        self.files = {"/feed": index, **{f"/{name}": body for name, body in files.items()}}
        self.version += "x"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[AlertServer]:
    made = AlertServer()
    yield made
    made.close()


@pytest.fixture
def commune(database: Database, clock: ManualClock) -> Iterator[AlertCommune]:
    made = AlertCommune(database, clock)
    yield made
    made.close()


class Turns:
    """The feeds, with a monotonic clock turned by hand and files read in this process."""

    def __init__(
        self, commune: AlertCommune, server: AlertServer, patch: pytest.MonkeyPatch, trusted: str = ""
    ) -> None:
        self.now_s = 1000.0
        patch.setattr(cap_feeds.time, "monotonic", lambda: self.now_s)
        patch.setattr(cap_feeds, "receive", lambda _s, _e, source, body, own_host: commune.send(body, source))
        patch.setattr(cap_feeds, "read_foreign_feed", lambda body, url, source: read_feed(body, url))
        self.source = commune.add_source("Tỉnh", kind="feed", address=f"http://{server.host}/feed", **GRAVE)
        self.feeds = CapFeeds(commune.services, commune.emergencies, {trusted or server.host})
        self._commune = commune

    def turn(self, after_s: float = 61.0) -> str:
        """Returns why the last one failed."""
        self.now_s += after_s
        self.feeds.step()
        with self._commune.database.session() as session:
            return cap_source(session, self.source).error


def test_each_new_file_is_fetched_once_and_an_unchanged_feed_not_read(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch)
    server.offer(a=alert())
    assert turns.turn() == ""
    assert commune.on == ["Bão"]
    turns.turn(10)
    assert server.asked == ["/feed", "/a"]  # its turn comes once a minute
    turns.turn()
    server.offer(a=alert(), b=alert("", type_="Cancel", identifier="VN-2", sent=LATER, references=reference()))
    turns.turn()
    assert server.asked == ["/feed", "/a", "/feed", "/feed", "/b"]
    assert commune.on == []


def test_the_same_alert_in_two_feeds_sounds_once(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch)
    commune.add_source("Trung ương", kind="feed", address=f"http://{server.host}/feed", **GRAVE)
    server.offer(a=alert())
    turns.turn()
    assert server.asked.count("/a") == 2
    assert len(commune.started) == 1


def test_a_bad_file_keeps_no_other_back_and_one_that_is_missing_is_asked_again(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch)
    server.offer(bad=b"<html/>", gone=b"", good=alert())
    missing = server.files.pop("/gone")
    assert "alert" in turns.turn()
    assert commune.on == ["Bão"]
    server.files["/gone"] = missing + alert(identifier="VN-9")
    turns.turn()
    assert len(commune.started) == 2
    turns.turn()
    turns.turn()
    assert server.asked.count("/bad") == 3


def test_a_feed_that_fails_is_asked_less_often_and_says_why(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch)
    assert "404" in turns.turn()
    for _ in range(40):
        turns.turn(30)
    assert 4 <= len(server.asked) <= 9  # 20 minutes with an ever longer wait, in place of 20 requests
    server.offer(a=alert())
    turns.turn(4000)
    assert turns.turn(4000) == ""
    assert commune.on == ["Bão"]


def test_an_address_inside_is_refused_unless_it_is_allowed_by_name(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch, trusted="other.example")
    server.offer(a=alert())
    assert turns.turn() != ""
    assert server.asked == []


def test_a_link_of_an_allowed_feed_leads_nowhere_inside(
    commune: AlertCommune, server: AlertServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns(commune, server, monkeypatch)
    server.offer(**{"http://127.0.0.1:9/a": alert()})
    assert "127.0.0.1" in turns.turn()
    assert commune.started == []

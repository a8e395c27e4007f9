"""Feeds: indexes in Atom or RSS that link to CAP files."""

from urllib.parse import urljoin

import msgspec

from cap.xml_files import CAP, MOST_BYTES, Element, parse_xml, text_of
from runtime.refusal import N_, Refusal
from runtime.sandbox import Limits, ParserFailed, run_in_sandbox

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
#: Of one feed, the newest: more are not alerts of one day.
MOST_LINKS = 60
_LIMITS = Limits(cpu_s=5, wall_s=10)


class FeedLink(msgspec.Struct, frozen=True):
    """version: changes when what is behind the link does."""

    url: str
    version: str = ""


class FeedContent(msgspec.Struct, frozen=True):
    """is_alert: what came is no index but an alert itself."""

    is_alert: bool
    links: tuple[FeedLink, ...] = ()


def read_foreign_feed(file: bytes, url: str, *, source: str) -> FeedContent:
    """As `read_feed`, in a child process with limits."""
    if len(file) > MOST_BYTES:
        raise Refusal(N_("This file is larger than {most} MB, the most that Loa reads."), most=MOST_BYTES // 1_000_000)
    try:
        return run_in_sandbox(read_feed, file, url, result=FeedContent, source=source, limits=_LIMITS, urgent=True)
    except ParserFailed as failure:
        raise Refusal(N_("Loa could not read this feed ({why})."), why=str(failure)[:150]) from failure


def read_feed(file: bytes, url: str) -> FeedContent:
    """url: where it came from, for links that are relative. Raises Refusal for what is neither feed nor alert."""
    root = parse_xml(file)
    if root.tag == f"{{{CAP}}}alert":
        return FeedContent(is_alert=True)
    if root.tag == f"{{{ATOM}}}feed":
        links = [_atom_link(entry) for entry in root.iterfind(f"{{{ATOM}}}entry")]
    elif root.tag == "rss":
        links = [_rss_link(item) for item in root.iterfind("channel/item")]
    else:
        raise Refusal(N_("This is neither an Atom nor an RSS feed, nor an alert of CAP 1.2."))
    whole = [FeedLink(urljoin(url, link.url), link.version) for link in links if link is not None]
    return FeedContent(is_alert=False, links=tuple(dict.fromkeys(whole))[:MOST_LINKS])


def _atom_link(entry: Element) -> FeedLink | None:
    links = entry.findall(f"{{{ATOM}}}link")
    of_cap = [link for link in links if link.get("type") == CAP_TYPE]
    plain = [link for link in links if link.get("rel", "alternate") in ("alternate", "enclosure", "related")]
    chosen = next((link.get("href") for link in [*of_cap, *plain] if link.get("href")), "")
    return FeedLink(chosen, text_of(entry, "updated", ATOM)) if chosen else None


def _rss_link(item: Element) -> FeedLink | None:
    enclosures = [e.get("url", "") for e in item.iterfind("enclosure") if e.get("type") == CAP_TYPE]
    chosen = next(iter(enclosures), "") or (item.findtext("link") or "").strip()
    return FeedLink(chosen, (item.findtext("pubDate") or "").strip()) if chosen else None

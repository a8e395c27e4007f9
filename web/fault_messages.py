"""Fault messages: news of faults in words, for e-mail, SMS and webhook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, StrictUndefined

from devices.faults import LINK, RELAY, SENT_ALONE
from notifications.channels import OutgoingMessage
from notifications.deliveries import NotificationDelivery
from notifications.news import FaultNews, FaultNewsItem
from web.formatting import Wording
from web.labels.faults import fault_sentence
from web.labels.notifications import ADVICE, OTHER_ADVICE
from web.language import DEFAULT, Translator, translators
from web.rendering import TEMPLATES, IndentStrippingLoader

#: Named in one section of an e-mail, in an SMS, and in the document of a webhook. The counts are always whole.
MOST_LINES, MOST_NAMES, MOST_ITEMS = 50, 3, 200
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class MessageSection:
    """Faults of one kind, or their end. more: how many were left out, "" for none. advice: "" for an end."""

    title: str
    lines: list[str]
    more: str
    advice: str


class FaultMessages:
    """Writes every message in the language of its delivery. Callable from any thread."""

    def __init__(self, base_url: str) -> None:
        self._page = f"{base_url}/faults"
        self._environment = Environment(
            loader=IndentStrippingLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, delivery: NotificationDelivery, now: datetime) -> OutgoingMessage:
        t = translators().get(delivery.language) or translators()[DEFAULT]
        news = delivery.news
        parts = [t("Test message")] if news.is_test else _headlines(t, news, now)
        headline = "; ".join(parts)
        where = _where(t, news)
        subject = f"Loa – {headline}{f' ({where})' if where else ''}"
        sections = _sections(t, news, now)
        html = self._environment.get_template("fault_mail.html").render(
            t=t, headline=_heading(subject), sections=sections, pages=self._pages(news), is_test=news.is_test
        )
        return OutgoingMessage(
            delivery.id,
            subject,
            self._text(t, subject, sections, news),
            html,
            self._short(t, subject, news),
            self._document(t, delivery, subject, now),
        )

    def _pages(self, news: FaultNews) -> list[tuple[str, str]]:
        """The page of faults of each commune that the message is about, with its name; one without, of none."""
        communes = {item.commune_id: item.commune for item in (*news.began, *news.ended)}
        if not communes:
            return [("", self._page)]
        named = len(communes) > 1
        return [(name if named else "", f"{self._page}?commune={quote(c)}") for c, name in communes.items()]

    def _text(self, t: Translator, subject: str, sections: Sequence[MessageSection], news: FaultNews) -> str:
        blocks = [_heading(subject)]
        if news.is_test:
            blocks.append(t("Fault messages from Loa reach you at this address."))
        for section in sections:
            lines = [section.title, *(f"- {line}" for line in section.lines)]
            lines += [section.more] if section.more else []
            if section.advice:
                lines.append(t("What to do: {advice}", advice=section.advice))
            blocks.append("\n".join(lines))
        for commune, page in self._pages(news):
            said = t("See and acknowledge the faults: {page}", page=page)
            blocks.append(f"{commune}. {said}" if commune else said)
        return "\n\n".join(blocks) + "\n"

    def _short(self, t: Translator, subject: str, news: FaultNews) -> str:
        items = [*news.began, *news.ended]
        names = list(dict.fromkeys(item.name for item in items))
        text = subject.replace("Loa – ", "Loa: ", 1)
        if not items:
            return text
        listed = ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")
        return f"{text}: {listed}. {_clock(t, items[0], items[0].began_at)}"

    def _document(self, t: Translator, delivery: NotificationDelivery, subject: str, now: datetime) -> bytes:
        """Its fields are described in docs/notifications.md."""
        news = delivery.news
        began = news.began[:MOST_ITEMS]
        ended = news.ended[: MOST_ITEMS - len(began)]
        document = {
            "version": 1,
            "type": "test" if news.is_test else "faults",
            "id": delivery.id,
            "created_at": delivery.created_at,
            "text": subject,
            "page": self._pages(news)[0][1],
            "began_count": len(news.began),
            "ended_count": len(news.ended),
            "began": [_item_document(t, item, now) for item in began],
            "ended": [_item_document(t, item, now) for item in ended],
        }
        return msgspec.json.encode(document)


def _heading(subject: str) -> str:
    text = subject.removeprefix("Loa – ")
    return text[:1].upper() + text[1:]


def _item_document(t: Translator, item: FaultNewsItem, now: datetime) -> dict[str, object]:
    said = fault_sentence(t, Wording(t, ZoneInfo(item.commune_zone)), now, item.fault, item.detail)
    fields: dict[str, object] = msgspec.to_builtins(item)
    del fields["commune_zone"]
    return {**fields, "fault_text": said}


#: Faults that are no receiver's.
_OF_COMMUNES = (RELAY, SENT_ALONE)


def _headlines(t: Translator, news: FaultNews, now: datetime) -> list[str]:
    """Each in one phrase: what began, what ended."""
    parts = []
    if any(item.fault == SENT_ALONE for item in news.began):
        parts.append(t("An emergency was sent by one person alone"))
    if began := [item for item in news.began if item.fault not in _OF_COMMUNES]:
        parts.append(_headline(t, began, now))
    if failed := _places([item for item in news.began if item.fault == RELAY]):
        parts.append(t.count("{n} relay station not heard", "{n} relay stations not heard", failed))
    if ended := [item for item in news.ended if item.fault not in _OF_COMMUNES]:
        n = _places(ended)
        if {item.fault for item in ended} == {LINK}:
            parts.append(t.count("{n} receiver online again", "{n} receivers online again", n))
        else:
            parts.append(t.count("faults ended at {n} receiver", "faults ended at {n} receivers", n))
    if any(item.fault == SENT_ALONE for item in news.ended):
        parts.append(t("the emergency sent by one person is over"))
    if over := _places([item for item in news.ended if item.fault == RELAY]):
        parts.append(t.count("fault of {n} relay station over", "faults of {n} relay stations over", over))
    return parts


def _headline(t: Translator, items: Sequence[FaultNewsItem], now: datetime) -> str:
    n, kinds = _places(items), {item.fault for item in items}
    if kinds == {LINK}:
        if all(item.ended_at is not None for item in items):
            return t.count("{n} receiver was offline for a time", "{n} receivers were offline for a time", n)
        return t.count("{n} receiver offline", "{n} receivers offline", n)
    if len(kinds) == 1:
        said = _kind(t, items[0].fault, now)
        return t.count("{n} receiver: {fault}", "{n} receivers: {fault}", n, fault=said)
    return t.count("faults at {n} receiver", "faults at {n} receivers", n)


def _sections(t: Translator, news: FaultNews, now: datetime) -> list[MessageSection]:
    several = len({item.commune_id for item in (*news.began, *news.ended)}) > 1
    sections = [_section(t, items, now, several=several, ended=False) for items in _by_fault(news.began)]
    return sections + [_section(t, items, now, several=several, ended=True) for items in _by_fault(news.ended)]


def _section(
    t: Translator, items: Sequence[FaultNewsItem], now: datetime, *, several: bool, ended: bool
) -> MessageSection:
    kind = _kind(t, items[0].fault, now)
    n = _places(items)
    left_out = max(0, len(items) - MOST_LINES)
    if items[0].fault == SENT_ALONE:
        counted, more = "", ""
    elif items[0].fault == RELAY:
        counted = t.count("{n} station", "{n} stations", n)
        more = t.count("and {n} more station", "and {n} more stations", left_out)
    else:
        counted = t.count("{n} receiver", "{n} receivers", n)
        more = t.count("and {n} more receiver", "and {n} more receivers", left_out)
    counted = f" ({counted})" if counted else ""
    title = f"{t('Ended')}: {kind}{counted}" if ended else f"{kind}{counted}"
    advice = "" if ended else t(ADVICE.get(items[0].fault, OTHER_ADVICE))
    lines = [_line(t, item, now, several=several) for item in items[:MOST_LINES]]
    return MessageSection(title, lines, more if left_out else "", advice)


def _line(t: Translator, item: FaultNewsItem, now: datetime, *, several: bool) -> str:
    place = ", ".join(part for part in (item.place, item.commune if several else "") if part)
    name = f"{item.name} ({place})" if place else item.name
    began = _clock(t, item, item.began_at)
    if item.ended_at is None:
        times = t("since {at}", at=began)
    else:
        times = t("{start} to {end}", start=began, end=_clock(t, item, item.ended_at))
    said = fault_sentence(t, Wording(t, ZoneInfo(item.commune_zone)), now, item.fault, item.detail)
    said = said.removeprefix(_kind(t, item.fault, now)).strip(" ()")
    return f"{name}: {said}, {times}" if said else f"{name}: {times}"


def _kind(t: Translator, fault: str, now: datetime) -> str:
    """A fault without what is particular to one receiver."""
    return fault_sentence(t, Wording(t, _ZONE), now, fault, "") if fault != "self_test" else t("Night test failed")


def _by_fault(items: Sequence[FaultNewsItem]) -> list[list[FaultNewsItem]]:
    ordered = sorted(items, key=lambda item: (not item.severe, item.fault))
    return [list(group) for _, group in groupby(ordered, key=lambda item: item.fault)]


def _places(items: Sequence[FaultNewsItem]) -> int:
    """How many receivers, or stations, these are about."""
    return len({(item.receiver_id, item.commune_id, item.subject) for item in items})


def _where(t: Translator, news: FaultNews) -> str:
    names = sorted({item.commune for item in (*news.began, *news.ended)})
    return names[0] if len(names) == 1 else t.count("{n} commune", "{n} communes", len(names)) if names else ""


def _clock(t: Translator, item: FaultNewsItem, at: datetime) -> str:
    """The time and day in full: a message may be read on another day."""
    wording = Wording(t, ZoneInfo(item.commune_zone))
    return f"{wording.clock(at)} {wording.date(at.astimezone(wording.zone).date())}"

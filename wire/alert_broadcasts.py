"""The broadcast that an alert stands for: its siren and its speech as items, so that it sounds like any other."""

from collections.abc import Iterator

from wire.alert_books import AlertBook, AlertSound, AlertTemplate
from wire.alerts import Alert
from wire.broadcasts import BroadcastClass, ClipItem, Manifest, Targets
from wire.messages import for_commune

#: A receiver remembers an alert so much longer than it is valid, and reports on it meanwhile.
KEPT_AFTER_US = 3_600_000_000
#: Of an alert without a last repetition the items of this time are made; the receiver asks for more in time.
ITEMS_AHEAD_US = 3_600_000_000


def broadcast_of(alert: str, *, is_end: bool) -> str:
    """The id of the broadcast. alert: its id."""
    return f"alert-{alert}-end" if is_end else f"alert-{alert}"


def alert_manifest(
    alert: Alert,
    book: AlertBook,
    commune: str,
    targets: Targets,
    *,
    receiver: str = "",
    arrived_at_us: int = 0,
    lead_us: int = 0,
    now_us: int = 0,
) -> Manifest | None:
    """What sounds for an alert; None when the book has no such template.

    arrived_at_us: controller time at which it arrived at the receiver. lead_us: from then until its chain is heard.
    now_us: of an alert without a last repetition, what is over by then is left out.
    A receiver that is not ready at the first word plays the siren until the next repetition, and joins that; when none
    is left, it plays all of it by itself, and `shifts_us` says how much later.
    """
    template = book.template(alert.template)
    if template is None:
        return None
    speech = list(_speech_sounds(template, book, alert.slots))
    speech_us = sum(sound.duration_us for sound in speech)
    period_us = speech_us + template.repeat_pause_us
    starts_at_us, first_word_us, missed = alert.issued_at_us, alert.issued_at_us + alert.speech_offset_us, 0
    siren_from_us, ready_at_us = starts_at_us, arrived_at_us + lead_us
    if speech and ready_at_us > first_word_us:
        missed = -(-(ready_at_us - first_word_us) // period_us)
        if alert.repeats and missed >= alert.repeats:
            missed, starts_at_us = 0, arrived_at_us
            first_word_us = starts_at_us + max(alert.speech_offset_us, lead_us)
        siren_from_us, first_word_us = arrived_at_us, first_word_us + missed * period_us
    if alert.repeats:
        turns = range(alert.repeats - missed)
        ends_at_us = min(alert.expires_at_us, first_word_us + len(turns) * period_us - template.repeat_pause_us)
        from_us, until_us = siren_from_us, ends_at_us
    else:
        ends_at_us, from_us = alert.expires_at_us, max(now_us, siren_from_us)
        until_us = min(ends_at_us, from_us + ITEMS_AHEAD_US)
        turns = range(max(0, (from_us - first_word_us) // period_us), (until_us - first_word_us) // period_us + 1)
    if not speech:
        ends_at_us = first_word_us = ends_at_us if alert.repeats == 0 else first_word_us
    opening = _opening(template, book, alert.is_drill, siren_from_us, min(first_word_us, ends_at_us, until_us))
    items = [item for item in opening if item.offset_us + item.duration_us > from_us]
    for turn in turns:
        at_us = first_word_us + turn * period_us
        if not speech or at_us >= until_us:
            break
        for sound in speech:
            items.append(_item(sound, at_us, min(sound.duration_us, max(0, ends_at_us - at_us))))
            at_us += sound.duration_us
    shift_us = starts_at_us - alert.issued_at_us
    return Manifest(
        to=for_commune(commune),
        revision=alert.issued_at_us // 1000,
        issued_at_us=alert.issued_at_us,
        expires_at_us=max(alert.expires_at_us, ends_at_us) + KEPT_AFTER_US,
        broadcast=broadcast_of(alert.alert, is_end=alert.is_end),
        title=template.title,
        class_=BroadcastClass.PRIORITY if alert.is_drill else BroadcastClass.EMERGENCY,
        targets=targets,
        starts_at_us=starts_at_us,
        ends_at_us=ends_at_us,
        items=[_counted_from(item, starts_at_us) for item in items if item.duration_us],
        shifts_us={receiver: shift_us} if shift_us else {},
    )


def _speech_sounds(template: AlertTemplate, book: AlertBook, slots: tuple[int, ...]) -> Iterator[AlertSound]:
    for speech in template.speech:
        for part in speech.parts:
            number = part.sound or (slots[part.slot] if part.slot < len(slots) else 0)
            sound = book.sound(number, speech.language)
            if sound is not None:
                yield sound


def _opening(
    template: AlertTemplate, book: AlertBook, is_drill: bool, from_us: int, until_us: int
) -> Iterator[ClipItem]:
    """The siren over and over, or the opening of a drill once."""
    sound = book.sound(template.drill_opening if is_drill else template.siren)
    at_us = from_us
    while sound is not None and at_us < until_us:
        yield _item(sound, at_us, min(sound.duration_us, until_us - at_us))
        at_us = until_us if is_drill else at_us + sound.duration_us


def _item(sound: AlertSound, at_us: int, duration_us: int) -> ClipItem:
    return ClipItem(
        offset_us=at_us,
        duration_us=duration_us,
        clip=f"alert-sound-{sound.number}",
        title=sound.text,
        renditions=sound.renditions,
    )


def _counted_from(item: ClipItem, starts_at_us: int) -> ClipItem:
    return ClipItem(
        offset_us=item.offset_us - starts_at_us,
        duration_us=item.duration_us,
        clip=item.clip,
        title=item.title,
        renditions=item.renditions,
    )

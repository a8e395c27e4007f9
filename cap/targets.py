"""Which part of an alert concerns a commune: its languages, and the zones and receivers that its areas mean."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cap.messages import Info, Reached, Severity
from wire.broadcasts import Targets


class Aim(StrEnum):
    """Whether the areas mean this commune. UNCLEAR: no area, or one that cannot be compared with what Loa knows."""

    HERE = "here"
    UNCLEAR = "unclear"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Aimed:
    """targets: the whole commune when the aim is unclear, for a person to decide."""

    aim: Aim
    targets: Targets


_WHOLE = Targets(all=True)


def aimed(
    reached: Reached,
    zone_by_code: Mapping[str, str],
    zones_by_receiver: Mapping[str, Sequence[str]],
    *,
    has_outline: bool,
    placed: Collection[str],
) -> Aimed:
    """zone_by_code: of the source. zones_by_receiver: all receivers in service. placed: those with a position."""
    zones, is_whole = _by_codes(reached.codes, zone_by_code)
    if is_whole or reached.is_whole:
        return Aimed(Aim.HERE, _WHOLE)
    receivers = set(reached.receivers)
    if reached.touches and has_outline and not receivers:
        # It reaches the commune where no receiver is known to be: those without a position may be there.
        receivers = set(zones_by_receiver) - set(placed) or set(zones_by_receiver)
    if zones or receivers:
        return Aimed(Aim.HERE, _targets(zones, receivers, zones_by_receiver))
    shape_decides = reached.has_shape and (has_outline or len(placed) == len(zones_by_receiver) > 0)
    codes_decide = any(_alike(value, code) for _, value in reached.codes for code in zone_by_code)
    if (shape_decides or codes_decide) and not (reached.has_shape and not shape_decides):
        return Aimed(Aim.ELSEWHERE, Targets())
    return Aimed(Aim.UNCLEAR, _WHOLE)


def in_languages(infos: Sequence[Info], languages: Sequence[str]) -> tuple[list[Info], bool]:
    """The gravest block of each language of the commune, in its order; without any, the gravest of the first language
    of the alert. Second: whether it is in a language of the commune.
    """
    chosen = [_gravest(same) for tag in languages if (same := [i for i in infos if _is_in(i, tag)])]
    chosen = list(dict.fromkeys(chosen))
    if chosen or not infos:
        return chosen, bool(chosen)
    return [_gravest([i for i in infos if i.language == infos[0].language])], False


def joined(all_targets: Sequence[Targets]) -> Targets:
    return Targets(
        all=any(targets.all for targets in all_targets),
        zones=sorted({zone for targets in all_targets for zone in targets.zones}),
        receivers=sorted({receiver for targets in all_targets for receiver in targets.receivers}),
    )


def _gravest(infos: Sequence[Info]) -> Info:
    return min(infos, key=lambda info: list(Severity).index(info.severity))


def _is_in(info: Info, tag: str) -> bool:
    language = info.language.lower()
    return language == tag or language.startswith(tag + "-")


def _by_codes(codes: Sequence[tuple[str, str]], zone_by_code: Mapping[str, str]) -> tuple[set[str], bool]:
    meant = {zone_by_code[c] for name, value in codes for c in (value, f"{name}:{value}") if c in zone_by_code}
    return meant - {""}, "" in meant


def _alike(value: str, code: str) -> bool:
    """Whether two codes are of one scheme, by their form: an unknown one of it then means another place."""
    code = code.rpartition(":")[2]
    return len(value) == len(code) and value.isdigit() == code.isdigit()


def _targets(zones: set[str], receivers: set[str], zones_by_receiver: Mapping[str, Sequence[str]]) -> Targets:
    """Whole zones by their name; the rest one by one."""
    members: dict[str, set[str]] = {}
    for receiver, names in zones_by_receiver.items():
        for name in names:
            members.setdefault(name, set()).add(receiver)
    if receivers == set(zones_by_receiver):
        return _WHOLE
    zones = zones | {zone for zone, ids in members.items() if ids <= receivers}
    rest = receivers - {receiver for zone in zones for receiver in members.get(zone, ())}
    return Targets(zones=sorted(zones), receivers=sorted(rest))

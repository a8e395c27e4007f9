"""Which noise rules hold after a merge: each stays with its former commune's receivers, or one's hold for all."""

from collections.abc import Mapping

from mergers.drafts import choice
from mergers.merge_context import Union
from mergers.plans import About, Question, Said
from noise.noise_rules import NoiseRules
from runtime.refusal import N_

_RULES = (
    "hours",
    "night_from_minute",
    "night_until_minute",
    "night_volume_percent",
    "minutes_a_day",
    "minutes_a_week",
    "refuses",
)


class MergedRules:
    """Works them out."""

    def __init__(self, union: Union) -> None:
        self._u = union

    def work_out(self) -> None:
        """All of them."""
        plan, have = self._u.plan, self._u.have
        whole = {r.commune_id: r for r in have.noise_rules if not r.zone_id}
        said = {c: _rules(whole.get(c)) for c in plan.sources}
        chosen = plan.sources[0] if whole else ""
        if len({repr(r) for r in said.values()}) > 1:
            answer = self._u.deciding.ask(
                Question(
                    "noise",
                    About.NOISE,
                    Said(N_("The communes allow different hours, night levels or minutes.")),
                    (
                        choice("zones", N_("Each rule stays with the receivers of its former commune")),
                        *(
                            choice(value, N_("The rules of {commune} hold everywhere"), commune=name)
                            for value, name in self._u.by_commune()
                        ),
                    ),
                    "zones",
                )
            )
            chosen = "" if answer == "zones" else answer.removeprefix("use:")
        for commune_id, rule in whole.items():
            if chosen == commune_id:
                self._u.ledger.set(rule, commune_id=plan.into)
            elif not chosen:
                self._u.ledger.set(rule, commune_id=plan.into, zone_id=self._u.area[commune_id].id)
            else:
                self._u.ledger.remove(rule)
        for rule in have.noise_rules:
            if rule.zone_id:
                self._zone_rule(rule, {r.zone_id: r for r in have.noise_rules if r.zone_id})

    def _zone_rule(self, rule: NoiseRules, by_zone: Mapping[str, NoiseRules]) -> None:
        into = self._u.zone_map.get(rule.zone_id)
        if into is None:
            self._u.ledger.set(rule, commune_id=self._u.plan.into)
            return
        other = by_zone.get(into)
        if other is None:
            self._u.ledger.set(rule, commune_id=self._u.plan.into, zone_id=into)
            return
        keep = "first"
        if _rules(rule) != _rules(other):
            zone = next(z for z in self._u.have.zones if z.id == into)
            keep = self._u.deciding.ask(
                Question(
                    f"noise:{rule.zone_id}",
                    About.NOISE,
                    Said(N_("Zone {zone} becomes one, and its parts have different rules."), {"zone": zone.name}),
                    (
                        choice("first", N_("The rules of {commune} hold"), commune=self._u.name(other.commune_id)),
                        choice("other", N_("The rules of {commune} hold"), commune=self._u.name(rule.commune_id)),
                    ),
                    "first",
                )
            )
        if keep == "other":
            self._u.ledger.set(other, **{name: getattr(rule, name) for name in _RULES})
        self._u.ledger.remove(rule)


def _rules(row: NoiseRules | None) -> tuple[object, ...]:
    row = row or NoiseRules(commune_id="")
    return tuple(getattr(row, name) for name in _RULES)

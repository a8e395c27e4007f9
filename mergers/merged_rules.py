"""Noise rules after a merge: each applies to the receivers of its former commune, or one commune's apply to all."""

from collections.abc import Mapping

from mergers.merge_context import MergeContext
from mergers.merge_draft import choice
from mergers.plans import QuestionTopic
from noise.noise_rules import RULE_COLUMNS, NoiseRules
from runtime.refusal import N_


class MergedRules:
    def __init__(self, context: MergeContext) -> None:
        self._context = context

    def work_out(self) -> None:
        plan, data = self._context.plan, self._context.data
        whole = {r.commune_id: r for r in data.noise_rules if not r.zone_id}
        rules = {c: _rules(whole.get(c)) for c in plan.sources}
        chosen = plan.sources[0] if whole else ""
        if len({repr(r) for r in rules.values()}) > 1:
            answer = self._context.ask(
                "noise",
                QuestionTopic.NOISE,
                N_("The communes allow different hours, night levels or minutes."),
                [
                    choice("zones", N_("Each rule stays with the receivers of its former commune")),
                    *(
                        choice(f"use:{c}", N_("The rules of {commune} hold everywhere"), commune=self._context.name(c))
                        for c in plan.sources
                    ),
                ],
                "zones",
            )
            chosen = "" if answer == "zones" else answer.removeprefix("use:")
        for commune_id, rule in whole.items():
            if chosen == commune_id:
                self._context.ledger.set(rule, commune_id=plan.into)
            elif not chosen:
                self._context.ledger.set(rule, commune_id=plan.into, zone_id=self._context.area[commune_id].id)
            else:
                self._context.ledger.remove(rule)
        for rule in data.noise_rules:
            if rule.zone_id:
                self._zone_rule(rule, {r.zone_id: r for r in data.noise_rules if r.zone_id})

    def _zone_rule(self, rule: NoiseRules, by_zone: Mapping[str, NoiseRules]) -> None:
        into = self._context.zone_map.get(rule.zone_id)
        if into is None:
            self._context.ledger.set(rule, commune_id=self._context.plan.into)
            return
        other = by_zone.get(into)
        if other is None:
            self._context.ledger.set(rule, commune_id=self._context.plan.into, zone_id=into)
            return
        keep = "first"
        if _rules(rule) != _rules(other):
            zone = next(z for z in self._context.data.zones if z.id == into)
            keep = self._context.ask(
                f"noise:{rule.zone_id}",
                QuestionTopic.NOISE,
                N_("Zone {zone} becomes one, and its parts have different rules."),
                [
                    choice(value, N_("The rules of {commune} hold"), commune=self._context.name(row.commune_id))
                    for value, row in (("first", other), ("other", rule))
                ],
                "first",
                zone=zone.name,
            )
        if keep == "other":
            self._context.ledger.set(other, **{name: getattr(rule, name) for name in RULE_COLUMNS})
        self._context.ledger.remove(rule)


def _rules(row: NoiseRules | None) -> tuple[object, ...]:
    row = row or NoiseRules(commune_id="")
    return tuple(getattr(row, name) for name in RULE_COLUMNS)

"""The forms of the merging wizard: what a browser sent, read into a plan and decisions, and back."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from mergers.plans import Decisions, Merge, Plan, Rehearsal, Split, plan_of_text
from runtime.refusal import N_, Refusal

_PREFIX = "decide "
#: "Xã", "Phường" and their like say what it is, not which: a short name does without.
_KINDS = ("xa-", "phuong-", "thi-tran-", "dac-khu-")


@dataclass(frozen=True)
class Sent:
    """What the form of a rehearsal carries.

    fingerprint, shown: of the rehearsal that was looked at: of the communes, and of the decisions it was shown with.
    all_alike: a whole kind of questions decided at once, "about value". sure: the box is ticked.
    """

    plan: Plan
    decisions: dict[str, str]
    fingerprint: str
    shown: str
    all_alike: str
    sure: bool


async def sent_from(request: Request) -> Sent:
    """A sent form: its plan is either still in its fields, or already one. Raises Refusal."""
    form = await request.form()
    lists = {name: [v for v in form.getlist(name) if isinstance(v, str)] for name in form}
    fields = {name: values[-1] for name, values in lists.items() if values}
    return Sent(
        plan=plan_of_text(fields["plan"]) if "plan" in fields else _plan_of_fields(fields, lists),
        decisions={name.removeprefix(_PREFIX): fields[name] for name in fields if name.startswith(_PREFIX)},
        fingerprint=fields.get("fingerprint", ""),
        shown=fields.get("shown", ""),
        all_alike=fields.get("all_alike", ""),
        sure="sure" in fields,
    )


async def decisions_from(request: Request) -> dict[str, str]:
    """The decisions of a form that has no plan."""
    form = await request.form()
    return {name.removeprefix(_PREFIX): str(form[name]) for name in form if name.startswith(_PREFIX)}


def decided(rehearsal: Rehearsal, decisions: Decisions, all_alike: str) -> dict[str, str]:
    """The decisions, with those of one kind all set alike where that choice is offered."""
    about, _, value = all_alike.partition(" ")
    alike = {q.key: value for q in rehearsal.questions if q.about == about and value in {c.value for c in q.choices}}
    return {**decisions, **alike}


def mark(decisions: Decisions) -> str:
    """Of decisions: so that only those are done whose outcome was looked at."""
    return hashlib.sha256(json.dumps(sorted(decisions.items())).encode()).hexdigest()


def short_name(name: str) -> str:
    """What a commune is called in addresses, made of its name: "Xã Thiệu Trung" → "thieu-trung"."""
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(c for c in letters if not unicodedata.combining(c))).strip("-")
    for kind in _KINDS:
        plain = plain.removeprefix(kind)
    return plain[:63].strip("-")


def _plan_of_fields(fields: Mapping[str, str], lists: Mapping[str, list[str]]) -> Plan:
    name = fields.get("name", "").strip()
    into = fields.get("into", "").strip() or short_name(name)
    if fields.get("kind") == "merge":
        sources = lists.get("sources", [])
        # Who goes on under its own short name is the heir where there can be but one.
        ordered = sorted(
            dict.fromkeys(sources), key=lambda c: (c != into, c != fields.get("heir", ""), sources.index(c))
        )
        return Merge(sources=tuple(ordered), into=into, name=name)
    if fields.get("kind") == "split":
        return Split(
            source=fields.get("source", ""),
            into=into,
            name=name,
            stations=_numbers(lists.get("stations", [])),
            zones=tuple(lists.get("zones", [])),
            receivers=tuple(lists.get("receivers", [])),
            programmes=_numbers(lists.get("programmes", [])),
            operators=_numbers(lists.get("operators", [])),
        )
    raise Refusal(N_("This is not a valid merger plan. Start again and choose the communes."))


def _numbers(texts: list[str]) -> tuple[int, ...]:
    if not all(text.isdecimal() and len(text) < 10 for text in texts):
        raise Refusal(N_("This is not a valid merger plan. Start again and choose the communes."))
    return tuple(int(text) for text in texts)

"""Rights: which role may do what. One table, one question."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runtime.refusal import N_, Refusal


class Role(StrEnum):
    """What a person is in a commune. VIEWER: a village head, who looks.

    EMERGENCY_STARTER, EMERGENCY_ENDER: as OPERATOR, with one of the two rights about emergencies; a chair has both.
    """

    PROVINCE = "province"
    CHAIR = "chair"
    OPERATOR = "operator"
    EMERGENCY_STARTER = "emergency_starter"
    EMERGENCY_ENDER = "emergency_ender"
    TECHNICIAN = "technician"
    VIEWER = "viewer"


class Action(StrEnum):
    """What one may be allowed to do in a commune. Every page that changes something names one."""

    LOOK = "look"
    CLIPS = "clips"
    PROGRAMMES = "programmes"
    TIMETABLE = "timetable"
    ON_AIR = "on_air"
    EMERGENCY = "emergency"
    CLEAR_EMERGENCY = "clear_emergency"
    FAULTS = "faults"
    RECEIVERS = "receivers"
    ALLOWED_HOURS = "allowed_hours"
    OPERATORS = "operators"
    COMMUNES = "communes"
    MERGERS = "mergers"
    EXCHANGE = "exchange"
    SEND_DOWN = "send_down"
    BACKUP = "backup"


_WATCHING = frozenset({Action.LOOK})
_BROADCASTING = _WATCHING | {Action.CLIPS, Action.PROGRAMMES, Action.TIMETABLE, Action.ON_AIR}
_MENDING = _WATCHING | {Action.FAULTS, Action.RECEIVERS, Action.ALLOWED_HOURS, Action.EXCHANGE}
_LEADING = _BROADCASTING | _MENDING | {Action.EMERGENCY, Action.CLEAR_EMERGENCY, Action.OPERATORS}

#: What each role may. A backup holds every commune and the keys, so it is the administrator's alone.
MAY: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _WATCHING,
    Role.OPERATOR: _BROADCASTING | {Action.FAULTS},
    Role.EMERGENCY_STARTER: _BROADCASTING | {Action.FAULTS, Action.EMERGENCY},
    Role.EMERGENCY_ENDER: _BROADCASTING | {Action.FAULTS, Action.CLEAR_EMERGENCY},
    Role.TECHNICIAN: _MENDING,
    Role.CHAIR: _LEADING,
    Role.PROVINCE: _LEADING | {Action.COMMUNES, Action.MERGERS, Action.SEND_DOWN},
}


#: The sentence for a person without the right: what it covers, and who has it.
NOT_ALLOWED = {
    Action.LOOK: N_("You do not have access to this page. Ask the chair of your commune."),
    Action.CLIPS: N_("Only the culture officer and the chair can change recordings. Ask one of them."),
    Action.PROGRAMMES: N_("Only the culture officer and the chair can change programmes. Ask one of them."),
    Action.TIMETABLE: N_("Only the culture officer and the chair can change the timetable. Ask one of them."),
    Action.ON_AIR: N_("Only the culture officer and the chair can broadcast. Ask one of them."),
    Action.EMERGENCY: N_(
        "Only the chair and those who were given this right can start an emergency. Call one of them."
    ),
    Action.CLEAR_EMERGENCY: N_(
        "Only the chair and those who were given this right can end an emergency. Call one of them."
    ),
    Action.FAULTS: N_("Only the technician, the culture officer and the chair can handle faults. Call one of them."),
    Action.RECEIVERS: N_("Only the technician and the chair can change receivers. Ask one of them."),
    Action.ALLOWED_HOURS: N_("Only the chair and the technician can change the allowed hours. Ask one of them."),
    Action.OPERATORS: N_("Only the chair or the province can change rights. Ask one of them."),
    Action.COMMUNES: N_("Only the province or the Loa administrator can add communes. Ask one of them."),
    Action.MERGERS: N_("Only the province or the Loa administrator can merge communes. Ask one of them."),
    Action.EXCHANGE: N_("Only the technician and the chair can change the province connection. Ask one of them."),
    Action.BACKUP: N_("Only the Loa administrator can make a backup. Ask the administrator."),
    Action.SEND_DOWN: N_("Only the province or the Loa administrator can send bulletins to communes. Ask one of them."),
}


class NotAllowed(Refusal):
    """The actor lacks the right."""


@dataclass(frozen=True)
class Standing:
    """What an operator is where, at one moment. roles: by commune id; a province's communes are all among them."""

    operator_id: int
    name: str
    admin: bool
    province_id: int | None
    roles: Mapping[str, Role]


def may(operator: Standing, action: Action, commune_id: str) -> bool:
    """Whether an operator may do something in a commune. commune_id: "" for one that is not there yet."""
    if operator.admin:
        return True
    role = operator.roles.get(commune_id)
    if not commune_id and operator.province_id is not None:
        role = Role.PROVINCE
    return role is not None and action in MAY[role]


def refusal_of(action: Action) -> NotAllowed:
    """What is raised where a right is missing."""
    return NotAllowed(NOT_ALLOWED[action])

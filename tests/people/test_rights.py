"""Rights: each role may what its table says, where it was given, and nowhere else."""

import pytest

from devices.communes import add_commune
from people.operators import (
    OperatorCommune,
    add_operator,
    appoint,
    create_first_operator,
    dismiss,
    operators_of,
    standing_of,
)
from people.rights import MAY, Action, Role, Standing, may
from runtime.clock import ManualClock
from runtime.database import Database


def standing(**roles: Role) -> Standing:
    return Standing(1, "lan", False, None, roles)


@pytest.mark.parametrize(
    ("role", "action", "allowed"),
    [
        (Role.VIEWER, Action.LOOK, True),
        (Role.VIEWER, Action.FAULTS, False),
        (Role.OPERATOR, Action.ON_AIR, True),
        (Role.OPERATOR, Action.EMERGENCY, False),
        (Role.OPERATOR, Action.RECEIVERS, False),
        (Role.EMERGENCY_STARTER, Action.EMERGENCY, True),
        (Role.EMERGENCY_STARTER, Action.CLEAR_EMERGENCY, False),
        (Role.EMERGENCY_ENDER, Action.CLEAR_EMERGENCY, True),
        (Role.EMERGENCY_ENDER, Action.EMERGENCY, False),
        (Role.EMERGENCY_ENDER, Action.OPERATORS, False),
        (Role.TECHNICIAN, Action.RECEIVERS, True),
        (Role.TECHNICIAN, Action.ON_AIR, False),
        (Role.CHAIR, Action.EMERGENCY, True),
        (Role.CHAIR, Action.OPERATORS, True),
        (Role.CHAIR, Action.MERGERS, False),
        (Role.PROVINCE, Action.MERGERS, True),
    ],
)
def test_a_role_may_what_it_is_for(role: Role, action: Action, allowed: bool) -> None:
    assert may(standing(thieu=role), action, "thieu") is allowed


@pytest.mark.parametrize("action", Action)
def test_a_role_in_one_commune_is_nothing_in_another(action: Action) -> None:
    assert not may(standing(thieu=Role.CHAIR), action, "hau")
    assert not may(standing(thieu=Role.CHAIR), action, "")


@pytest.mark.parametrize("action", Action)
def test_the_admin_may_everything_everywhere(action: Action) -> None:
    assert may(Standing(1, "admin", True, None, {}), action, "anywhere")


def test_every_role_may_at_least_look_and_every_action_but_the_backup_is_somebodys() -> None:
    assert all(Action.LOOK in actions for actions in MAY.values())
    assert set().union(*MAY.values()) == set(Action) - {Action.BACKUP}
    assert set(MAY) == set(Role)


def test_one_operator_may_have_two_communes_and_a_role_in_each(database: Database, clock: ManualClock) -> None:
    with database.writing() as session:
        for ident in ("chinh", "hien", "trung"):
            add_commune(session, ident, f"Xã {ident}")
        lan, _ = add_operator(session, "Lan ", clock.now())
        appoint(session, lan.number, "chinh", Role.OPERATOR)
        appoint(session, lan.number, "hien", Role.VIEWER)
        appoint(session, lan.number, "hien", Role.CHAIR)
        found, seen = standing_of(session, lan)
        assert [c.id for c in seen] == ["chinh", "hien"]
        assert may(found, Action.EMERGENCY, "hien")
        assert not may(found, Action.EMERGENCY, "chinh")
        assert [(o.name, role) for o, role in operators_of(session, "hien")] == [("lan", Role.CHAIR)]
        dismiss(session, lan.number, "hien")
        assert operators_of(session, "hien") == []


def test_who_acts_for_a_province_sees_all_its_communes_and_no_others(database: Database, clock: ManualClock) -> None:
    with database.writing() as session:
        first = add_commune(session, "chinh", "Xã Thiệu Chính", province="Thanh Hóa")
        # The same province, as others set its marks.
        second = add_commune(session, "hien", "Xã Hậu Hiền", province=" thanh  Hoá")
        add_commune(session, "kim", "Xã Kim Liên", province="Nghệ An")
        add_commune(session, "loa", "Xã không tỉnh")
        assert first.province_id == second.province_id
        tam, _ = add_operator(session, "tam", clock.now())
        tam.province_id = first.province_id
        found, seen = standing_of(session, tam)
        assert sorted(c.id for c in seen) == ["chinh", "hien"]
        assert may(found, Action.MERGERS, "hien")
        assert not may(found, Action.LOOK, "kim")
        assert not may(found, Action.LOOK, "loa")
        assert may(found, Action.COMMUNES, "")
        assert session.get(OperatorCommune, (tam.number, "chinh")) is None


def test_the_first_operator_is_the_admin_and_a_new_one_may_nothing(database: Database, clock: ManualClock) -> None:
    with database.writing() as session:
        made = create_first_operator(session, clock.now())
        assert made is not None
        assert create_first_operator(session, clock.now()) is None
        add_commune(session, "chinh", "Xã Thiệu Chính")
        lan, _ = add_operator(session, "lan", clock.now())
        found, seen = standing_of(session, lan)
        assert seen == []
        assert not any(may(found, action, "chinh") for action in Action)

"""Staff: nobody gives what is not theirs to give, and nobody locks out the last admin."""

from dataclasses import dataclass

import pytest
from sqlmodel import Session

from devices.communes import add_commune
from people import staff
from people.operators import Operator, add_operator, appoint, standing_of
from people.rights import NotAllowed, Role, Standing
from people.staff import Person
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal


@dataclass
class Town:
    """Two communes of one province and one of another, in one open transaction."""

    session: Session
    clock: ManualClock

    def person(self, name: str, *, admin: bool = False, province_id: int | None = None, **roles: Role) -> Operator:
        added, _ = add_operator(self.session, name, self.clock.now())
        added.admin, added.province_id = admin, province_id
        for commune_id, role in roles.items():
            appoint(self.session, added.number, commune_id, role)
        self.session.flush()
        return added

    def standing(self, operator: Operator) -> Standing:
        return standing_of(self.session, operator)[0]

    def seen_by(self, leader: Operator, operator: Operator) -> Person:
        return staff.member(self.session, self.standing(leader), operator.number)


@pytest.fixture
def town(database: Database, clock: ManualClock):  # type: ignore[no-untyped-def] # a generator of one Town
    with database.writing() as session:
        add_commune(session, "chinh", "Xã Thiệu Chính", province="Thanh Hóa")
        add_commune(session, "hien", "Xã Hậu Hiền", province="Thanh Hóa")
        add_commune(session, "kim", "Xã Kim Liên", province="Nghệ An")
        yield Town(session, clock)


def test_a_chair_sees_and_appoints_in_their_own_commune_alone(town: Town) -> None:
    chair = town.person("chair", chinh=Role.CHAIR, hien=Role.VIEWER)
    lan, tam = town.person("lan", chinh=Role.VIEWER), town.person("tam", hien=Role.VIEWER)
    leader = town.standing(chair)
    assert [p.operator.name for p in staff.staff(town.session, leader)] == ["chair", "lan"]
    with pytest.raises(NotFound):
        town.seen_by(chair, tam)
    staff.set_role(town.session, leader, town.seen_by(chair, lan), "chinh", Role.TECHNICIAN)
    assert town.standing(lan).roles == {"chinh": Role.TECHNICIAN}
    with pytest.raises(NotAllowed):
        staff.set_role(town.session, leader, town.seen_by(chair, lan), "hien", Role.VIEWER)


def test_the_password_of_who_has_rights_elsewhere_is_not_for_a_chair_to_renew(town: Town) -> None:
    chair = town.person("chair", chinh=Role.CHAIR)
    here, both = town.person("here", chinh=Role.OPERATOR), town.person("both", chinh=Role.VIEWER, hien=Role.CHAIR)
    admin, above = (
        town.person("admin", admin=True, chinh=Role.VIEWER),
        town.person("p", province_id=1, chinh=Role.VIEWER),
    )
    leader = town.standing(chair)
    staff.check_new_password(town.session, leader, town.seen_by(chair, here))
    for stronger in (both, admin, above):
        person = town.seen_by(chair, stronger)
        with pytest.raises(NotAllowed):
            staff.check_new_password(town.session, leader, person)
        with pytest.raises(NotAllowed):
            staff.retire_operator(town.session, leader, person, town.clock.now())


def test_a_province_leads_its_communes_and_makes_colleagues_but_no_admin(town: Town) -> None:
    officer, colleague = town.person("officer", province_id=1), town.person("lan", chinh=Role.VIEWER, hien=Role.CHAIR)
    leader = town.standing(officer)
    person = town.seen_by(officer, colleague)
    staff.check_new_password(town.session, leader, person)
    staff.set_above(town.session, leader, person, admin=False, province_id=1)
    assert set(town.standing(colleague).roles) == {"chinh", "hien"}
    for admin, province_id in ((True, None), (False, 2)):
        with pytest.raises(NotAllowed):
            staff.set_above(town.session, leader, person, admin=admin, province_id=province_id)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.TECHNICIAN])
def test_who_leads_nothing_appoints_nobody(town: Town, role: Role) -> None:
    someone, lan = town.person("someone", chinh=role), town.person("lan", chinh=Role.VIEWER)
    assert staff.staff(town.session, town.standing(someone)) == []
    with pytest.raises(NotFound):
        town.seen_by(someone, lan)


def test_nobody_changes_their_own_rights_or_takes_themselves_out(town: Town) -> None:
    chair = town.person("chair", chinh=Role.CHAIR)
    leader, person = town.standing(chair), town.seen_by(chair, chair)
    with pytest.raises(Refusal):
        staff.set_role(town.session, leader, person, "chinh", None)
    with pytest.raises(Refusal):
        staff.retire_operator(town.session, leader, person, town.clock.now())


def test_the_last_admin_stays_and_of_two_one_may_go(town: Town) -> None:
    first, second = town.person("first", admin=True), town.person("second", admin=True)
    leader = town.standing(first)
    staff.retire_operator(town.session, leader, town.seen_by(first, second), town.clock.now())
    with pytest.raises(Refusal, match="last administrator"):
        staff.set_above(town.session, leader, town.seen_by(first, first), admin=False, province_id=None)
    with pytest.raises(Refusal, match="last administrator"):
        staff.retire_operator(town.session, town.standing(second), town.seen_by(second, first), town.clock.now())
    staff.restore_operator(town.session, leader, town.seen_by(first, second))
    staff.set_above(town.session, leader, town.seen_by(first, first), admin=False, province_id=None)
    assert (first.admin, second.admin) == (False, True)


def test_a_province_role_is_not_given_in_a_commune(town: Town) -> None:
    admin, lan = town.person("admin", admin=True), town.person("lan", chinh=Role.VIEWER)
    with pytest.raises(Refusal):
        staff.set_role(town.session, town.standing(admin), town.seen_by(admin, lan), "chinh", Role.PROVINCE)

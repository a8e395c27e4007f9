"""Rules: of which faults a person is told, where, when and how."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlsplit

from sqlalchemy import Boolean, func
from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.communes import Commune
from devices.faults import Fault
from devices.predecessors import lineage
from notifications.channels import Channel
from notifications.fault_groups import FaultGroup, group_of, is_severe
from notifications.notices import FaultNotice
from people.operators import Operator, standing_of
from runtime.checked_address import place_of
from runtime.refusal import N_, Refusal

_MOST_URL = 500


class NotificationRule(SQLModel, table=True):
    """Of one operator. groups, communes: separated by blanks; "" for all.

    quiet_from_minute, quiet_until_minute: of the day, by the commune's clock; both or neither. Until then everything
    but severe faults is held back. after_fault_id: newer faults have not been looked at.
    key_revision: grows with each new webhook key.
    """

    __tablename__ = "notification_rule"

    operator_id: int = Field(primary_key=True, foreign_key="operator.id")
    email: bool = Field(default=False, sa_type=Boolean)
    sms: bool = Field(default=False, sa_type=Boolean)
    webhook: bool = Field(default=False, sa_type=Boolean)
    webhook_url: str = ""
    key_revision: int = 1
    groups: str = ""
    communes: str = ""
    severe_only: bool = Field(default=False, sa_type=Boolean)
    quiet_from_minute: int | None = None
    quiet_until_minute: int | None = None
    language: str = "vi"
    after_fault_id: int = 0

    @property
    def subject(self) -> str:
        """As forms and the audit name it (`usecases.revisions.Compared`)."""
        return f"notification_rule {self.operator_id}"

    @property
    def settings_shown(self) -> list[object]:
        quiet = [self.quiet_from_minute, self.quiet_until_minute]
        where = [self.webhook_url, self.key_revision, self.groups, self.communes]
        return [self.channels, *where, self.severe_only, self.language, *quiet]

    @property
    def channels(self) -> list[Channel]:
        chosen = ((Channel.EMAIL, self.email), (Channel.SMS, self.sms), (Channel.WEBHOOK, self.webhook))
        return [channel for channel, on in chosen if on]

    def wants(self, fault: str) -> bool:
        if self.severe_only and not is_severe(fault):
            return False
        return not self.groups or group_of(fault).value in self.groups.split()

    def is_quiet(self, now: datetime, zone: tzinfo) -> bool:
        start, end = self.quiet_from_minute, self.quiet_until_minute
        if start is None or end is None or start == end:
            return False
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        return start <= minute < end if start < end else minute >= start or minute < end


@dataclass(frozen=True)
class RuleForm:
    """What people set of a rule. Empty groups or communes: all."""

    channels: Collection[Channel] = ()
    webhook_url: str = ""
    groups: Sequence[FaultGroup] = ()
    communes: Sequence[str] = ()
    severe_only: bool = False
    quiet_from_minute: int | None = None
    quiet_until_minute: int | None = None
    language: str = "vi"


def rule_of(session: Session, operator_id: int) -> NotificationRule:
    """One operator's; not kept yet when nobody set one."""
    return session.get(NotificationRule, operator_id) or NotificationRule(operator_id=operator_id)


def rules_in_force(session: Session) -> list[tuple[NotificationRule, Operator]]:
    """Those of operators who may sign in, with at least one channel."""
    query = select(NotificationRule, Operator).where(
        NotificationRule.operator_id == Operator.id, col(Operator.retired_at).is_(None)
    )
    rows = session.exec(query.order_by(col(NotificationRule.operator_id)))
    return [(rule, operator) for rule, operator in rows if rule.channels]


def set_rule(
    session: Session, operator: Operator, form: RuleForm, *, trusted_hosts: Collection[str]
) -> NotificationRule:
    """Set what an operator is told. Faults from before are not told. Raises Refusal."""
    _check(operator, form, trusted_hosts)
    rule = rule_of(session, operator.number)
    was_on = bool(rule.channels)
    rule.email, rule.sms = Channel.EMAIL in form.channels, Channel.SMS in form.channels
    rule.webhook, rule.webhook_url = Channel.WEBHOOK in form.channels, form.webhook_url.strip()
    rule.groups = " ".join(group.value for group in form.groups)
    rule.communes = " ".join(form.communes)
    rule.severe_only, rule.language = form.severe_only, form.language
    rule.quiet_from_minute, rule.quiet_until_minute = form.quiet_from_minute, form.quiet_until_minute
    if not was_on:
        rule.after_fault_id = newest_fault(session)
    if not was_on or not rule.channels:
        session.exec(delete(FaultNotice).where(col(FaultNotice.operator_id) == operator.number))
    session.add(rule)
    return rule


def renew_key(session: Session, operator_id: int) -> NotificationRule:
    """A new webhook key; the old one ends."""
    rule = rule_of(session, operator_id)
    rule.key_revision += 1
    session.add(rule)
    return rule


def newest_fault(session: Session) -> int:
    return session.exec(select(func.max(Fault.id))).one() or 0


def communes_of(session: Session, rule: NotificationRule, operator: Operator) -> list[Commune]:
    """Of which communes this operator is told: the chosen ones of those that the operator sees.

    A chosen commune that became a part of another stands for that one.
    """
    _, visible = standing_of(session, operator)
    chosen = set(rule.communes.split())
    if not chosen:
        return visible
    told = [commune for commune in visible if commune.id in chosen]
    if chosen - {commune.id for commune in told}:
        others = [c for c in visible if c.id not in chosen]
        told += [c for c in others if any(a.commune_id in chosen for a in lineage(session, c.id))]
    return told


def _check(operator: Operator, form: RuleForm, trusted_hosts: Collection[str]) -> None:
    if Channel.EMAIL in form.channels and not operator.email:
        raise Refusal(N_("Enter the e-mail address first, then choose e-mail."))
    if Channel.SMS in form.channels and not operator.phone:
        raise Refusal(N_("Enter the telephone number first, then choose SMS."))
    if (form.quiet_from_minute is None) != (form.quiet_until_minute is None):
        raise Refusal(N_("Quiet hours need both a beginning and an end. Leave both empty for none."))
    url = form.webhook_url.strip()
    if Channel.WEBHOOK in form.channels or url:
        check_webhook_url(url, trusted_hosts)


def check_webhook_url(url: str, trusted_hosts: Collection[str]) -> None:
    """Refuse what is no address, carries a password, or is not encrypted on its way through public networks."""
    host = place_of(url)
    parts = urlsplit(url)
    if parts.username or parts.password or len(url) > _MOST_URL:
        raise Refusal(
            N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=(parts.hostname or "")[:150]
        )
    if parts.scheme != "https" and host not in trusted_hosts:
        raise Refusal(N_("A webhook's address begins with https://."))

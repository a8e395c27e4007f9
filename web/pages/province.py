"""Province: are we connected to the province's system, does anything wait, and how is the link set?"""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from people.rights import Action
from province import link_settings, outbox
from province.incoming import ReceivedMessage, last_refused, refused_count
from province.links import LinkForm, ProvinceLink, link_of
from province.outbox import OutboxCounts, OutboxMessage
from province.profile import profile, profile_names
from runtime.refusal import N_, Refusal
from web.labels.province import LETTERS, MESSAGES
from web.request_context import Frame, In, Reading, back_to, changes

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class ProvincePage:
    """What the page shows. account: whether there is one. refused_letters: by the province; refused: by us."""

    link: ProvinceLink
    account: str
    counts: OutboxCounts
    refused_letters: list[OutboxMessage]
    refused: list[ReceivedMessage]
    refused_times: int

    @property
    def state(self) -> str:
        """off, online, offline, or new while it was never reached."""
        if not self.link.enabled:
            return "off"
        if self.link.away_since is not None:
            return "offline"
        return "online" if self.link.connected_since is not None else "new"


def province_view(frame: Frame, session: Session) -> ProvincePage:
    """What the page shows of the commune's link. The number of queries does not grow with what waits."""
    link = link_of(session, frame.commune_id)
    try:
        account = frame.deps.exchange.account_of(frame.commune_id)
    except Refusal:
        account = None
    return ProvincePage(
        link,
        account.user if account else "",
        outbox.counts(session, link.commune_id),
        outbox.refused(session, link.commune_id),
        last_refused(session, link.commune_id),
        refused_count(session, link.commune_id),
    )


@router.get("/province")
def page(frame: In, session: Reading) -> HTMLResponse:
    """The state of the link, and how it is set."""
    view = province_view(frame, session)
    if frame.request.headers.get("hx-target") == "link":
        return frame.page("_province_link.html", view=view, kinds=LETTERS, messages=MESSAGES)
    codes = "\n".join(f"{name} = {code}" for name, code in sorted(view.link.codes.items()))
    return frame.page(
        "province.html",
        view=view,
        kinds=LETTERS,
        messages=MESSAGES,
        codes=codes,
        token="",
        profiles=profile_names(frame.deps.exchange.profiles),
        door=_door(frame),
    )


@router.post("/province", dependencies=[changes(Action.EXCHANGE)])
def keep(
    frame: In,
    chosen: Annotated[str, Form(alias="profile")],
    own_code: Annotated[str, Form()],
    base_url: Annotated[str, Form()] = "",
    own_name: Annotated[str, Form()] = "",
    province_code: Annotated[str, Form()] = "",
    province_name: Annotated[str, Form()] = "",
    receiver_codes: Annotated[str, Form()] = "",
    normal_schedules: Annotated[str, Form()] = "inbox",
    enabled: Annotated[str, Form()] = "",
) -> Response:
    """Set the link; it is worked by it within seconds."""
    exchange = frame.deps.exchange
    form = LinkForm(
        chosen,
        base_url,
        own_code,
        own_name,
        province_code,
        province_name,
        receiver_codes,
        normal_schedules,
        bool(enabled),
    )
    spoken = profile(chosen, exchange.profiles)
    link_settings.keep_link(frame.deps.services, frame.actor, frame.commune_id, form, spoken, exchange.wake)
    return back_to(frame.request, "/province")


@router.post("/province/account", dependencies=[changes(Action.EXCHANGE)])
def keep_account(frame: In, user: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
    """Keep name and password, once the province's system lets us in with them or cannot be asked now."""
    exchange, services = frame.deps.exchange, frame.deps.services
    link_settings.keep_account(
        services, frame.actor, exchange.accounts, frame.commune_id, user, password, exchange.wake
    )
    return back_to(frame.request, "/province")


@router.post("/province/try", dependencies=[changes(Action.EXCHANGE)])
def try_link(frame: In) -> Response:
    """Sign in at the province's system once, and say how it went; let in, a link that waits to try again goes on."""
    exchange = frame.deps.exchange
    with frame.deps.database.session() as session:
        link = link_of(session, frame.commune_id)
    if not link.base_url:
        raise Refusal(N_("Enter and save the address of the province's system first."))
    refusal = exchange.try_sign_in(link, exchange.account_of(frame.commune_id))
    if refusal is not None:
        raise refusal
    if link.away_since is not None:
        link_settings.retry_link(frame.deps.services, frame.actor, frame.commune_id, exchange.wake)
    return frame.page("_success_notice.html", message=frame.t("Signed in to the province's system."))


@router.post("/province/token", dependencies=[changes(Action.EXCHANGE)])
def make_token(frame: In) -> HTMLResponse:
    """A token for the province to call us with; shown this once."""
    token = link_settings.make_token(frame.deps.services, frame.actor, frame.commune_id)
    return frame.page("province_token.html", token=token, door=_door(frame))


@router.post("/province/letters/{what}", dependencies=[changes(Action.EXCHANGE)])
def settle_refused(frame: In, what: Literal["again", "drop"]) -> Response:
    """What the province refused: once more, or not any more."""
    link_settings.settle_refused_letters(frame.deps.services, frame.actor, frame.commune_id, send_again=what == "again")
    return back_to(frame.request, "/province")


def _door(frame: Frame) -> str:
    """Where the province posts to us."""
    return f"{frame.deps.settings.base_url}/api/province/{frame.commune_id}"

"""Settings: the communes, allowed hours, chimes, the backup, and where everything else is set."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from fastapi.responses import FileResponse, HTMLResponse, Response
from sqlmodel import Session

from broadcast.chimes import chimes_of
from broadcast.clips import clips, renditions_of
from broadcast.live_rules import LiveRules, automatic_lead_ms, link_delays
from broadcast.programmes import ItemKind
from broadcast.storage import stored_bytes
from devices.provinces import province_name
from noise.noise_rules import rules_of
from parsing.numbers import parse_whole
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal, at_field
from transfer.age_file import SHORTEST_PASSPHRASE
from transfer.backup_runs import BackupRuns
from usecases import chimes
from usecases.backups import start_backup
from usecases.chimes import LONGEST_CHIME_S
from usecases.communes import add_commune, change_commune, set_live_rules
from web.clip_list import MOST_CHOICES, uploads_view
from web.flash import Flash
from web.labels.broadcasts import CHIMES, FIELDS, LANGUAGES_SPOKEN
from web.noise_form import hours_sentences
from web.request_context import Frame, In, Reading, back_to, changes, set_commune_cookie
from web.typed_fields import Whole
from web.waveforms import listen_url
from wire.broadcasts import Targets

router = APIRouter(include_in_schema=False)
ChimeKind = Literal["opening_chime", "closing_chime"]


@router.get("/settings")
def page(frame: In, session: Reading) -> HTMLResponse:
    """Also the part that shows how far a backup is."""
    backups = _backups(frame)
    if frame.request.headers.get("hx-target") == "backup":
        return frame.page("_backup.html", backup=backups.status, kept=backups.newest(), least=SHORTEST_PASSPHRASE)
    rules = rules_of(session, frame.commune_id).get("")
    province_id = frame.commune.province_id
    return frame.page(
        "settings.html",
        province=province_name(session, province_id) if province_id is not None else "",
        hours=hours_sentences(frame.wording, rules.allowed_hours) if rules else [],
        **_chimes(frame, session),
        stored_bytes=stored_bytes(session, frame.commune_id),
        usual_bytes=frame.deps.ingest.storage_bytes,
        may_add=frame.standing.admin or frame.standing.province_id is not None,
        automatic_lead_ms=_automatic_lead_ms(frame, session),
        backup=backups.status,
        kept=backups.newest() if frame.may(Action.BACKUP) else None,
        least=SHORTEST_PASSPHRASE,
    )


def _automatic_lead_ms(frame: Frame, session: Session) -> int:
    """For all receivers of the commune that is shown."""
    delays = link_delays(frame.deps.presence.snapshot(frame.deps.clock.now()))
    return automatic_lead_ms(session, frame.commune_id, Targets(all=True), delays)


@router.post("/settings/commune", dependencies=[changes(Action.COMMUNES)])
def change(
    frame: In,
    name: Annotated[str, Form()],
    province: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
    storage_gb: Annotated[str, Form()] = "",
) -> Response:
    """Name, province, description and storage of the commune that is shown."""
    change_commune(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        name=name,
        province=province,
        description=description,
        storage_gb=_whole_or_none(storage_gb),
    )
    return back_to(frame.request, "/settings")


@router.post("/settings/live", dependencies=[changes(Action.ALLOWED_HOURS)])
def change_live(
    frame: In,
    live_lead_ms: Annotated[Whole, Form()],
    live_silence_s: Annotated[Whole, Form()],
    live_longest_min: Annotated[Whole, Form()],
) -> Response:
    """Lead and limits of live broadcasts."""
    rules = LiveRules(live_lead_ms, live_silence_s, live_longest_min)
    set_live_rules(frame.deps.services, frame.actor, frame.commune_id, rules)
    return back_to(frame.request, "/settings#live")


@router.post("/settings/communes", dependencies=[changes(Action.COMMUNES, new_commune=True)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    commune_id: Annotated[str, Form()] = "",
    province: Annotated[str, Form()] = "",
) -> Response:
    """One more commune; it is the one that is shown from now on."""
    added = add_commune(frame.deps.services, frame.actor, frame.deps.media, commune_id, name, province=province)
    answer = back_to(frame.request, "/settings")
    set_commune_cookie(answer, added.id)
    return answer


@router.post("/settings/chimes/{kind}", dependencies=[changes(Action.CLIPS)])
def choose_chime(frame: In, kind: ChimeKind, clip: Annotated[str, Form()] = "") -> Response:
    """A recording of the library in the place of a chime."""
    if not clip:
        raise Refusal(N_("Choose a recording.")).at("clip")
    chosen = chimes.choose_chime(frame.deps.services, frame.actor, frame.commune_id, ItemKind(kind), clip)
    message = Flash(N_("{chime} is now “{title}”."), {"chime": frame.t(CHIMES[kind]), "title": chosen.title})
    return back_to(frame.request, "/settings#chimes", message)


@router.post("/settings/chimes/{kind}/standard", dependencies=[changes(Action.CLIPS)])
def standard_chime(frame: In, kind: ChimeKind) -> Response:
    chimes.standard_chime(frame.deps.services, frame.actor, frame.deps.media, frame.commune_id, ItemKind(kind))
    message = Flash(N_("{chime} is the standard one again."), {"chime": frame.t(CHIMES[kind])})
    return back_to(frame.request, "/settings#chimes", message)


@router.post("/settings/backup", dependencies=[changes(Action.BACKUP)])
def back_up(frame: In, passphrase: Annotated[str, Form()] = "", again: Annotated[str, Form()] = "") -> Response:
    """Begin a backup of everything; the page shows how far it is."""
    if passphrase != again:
        raise Refusal(N_("The two passphrases differ. Type the same one twice.")).at("again")
    start_backup(frame.deps.services, frame.actor, lambda: _backups(frame).start(passphrase))
    return back_to(frame.request, "/settings#backup")


@router.get("/settings/backup/file")
def download(frame: In) -> FileResponse:
    frame.need(Action.BACKUP)
    kept = _backups(frame).newest()
    if kept is None:
        raise NotFound(N_("There is no backup yet. Make one first."))
    headers = {"Cache-Control": "no-store"}
    return FileResponse(kept.path, filename=kept.path.name, media_type="application/octet-stream", headers=headers)


def _whole_or_none(text: str) -> int | None:
    with at_field("storage_gb"):
        return parse_whole(text) if text.strip() else None


def _backups(frame: Frame) -> BackupRuns:
    backups: BackupRuns = frame.request.app.state.backups
    return backups


def _chimes(frame: Frame, session: Session) -> dict[str, Any]:
    """The chimes with the addresses of their sound, and what may take their place."""
    commune_id, now = frame.commune_id, frame.deps.clock.now()
    of_commune = chimes_of(session, commune_id)
    sounds = renditions_of(session, [chime.clip.id for chime in of_commune])
    return {
        "chimes": [(chime, listen_url(sounds.get(chime.clip.id, []))) for chime in of_commune],
        "chime_names": CHIMES,
        "chime_choices": clips(session, commune_id, longest_us=LONGEST_CHIME_S * 1_000_000, limit=MOST_CHOICES),
        "uploads": uploads_view(session, commune_id, now, frame.operator.name),
        "for_chimes": True,
        "longest_chime_s": LONGEST_CHIME_S,
        "lists": False,
        "replaces": None,
        "fields": FIELDS,
        "spoken": LANGUAGES_SPOKEN,
        "limit_mb": frame.deps.settings.max_upload_bytes // 1_000_000,
    }

"""What sounds after a merge: recordings, chimes, programmes and the backup recording."""

from broadcast.backup_clip import BackupClip
from broadcast.clips import folded
from broadcast.programmes import CHIMES, ItemKind
from mergers.drafts import choice
from mergers.merge_context import Union
from mergers.plans import About, Question, Said
from runtime.refusal import N_


class MergedSound:
    """Works it out."""

    def __init__(self, union: Union) -> None:
        self._u = union

    def work_out(self) -> None:
        """All of it."""
        self._chimes()
        self._rest()

    def _chimes(self) -> None:
        plan, have = self._u.plan, self._u.have
        own = {(c.commune_id, c.builtin): c for c in have.clips if c.builtin}
        having = [c for c in plan.sources if any(commune == c for commune, _ in own)]
        whose = having[0] if having else ""
        keep = True
        if len(having) > 1:
            answer = self._u.deciding.ask(
                Question(
                    "chimes",
                    About.CHIMES,
                    Said(N_("Each commune has chimes of its own.")),
                    (
                        choice(
                            "keep",
                            N_("Programmes keep the chimes they have; new ones get those of {commune}"),
                            commune=self._u.name(whose),
                        ),
                        *(
                            choice(
                                f"use:{c}", N_("All programmes get the chimes of {commune}"), commune=self._u.name(c)
                            )
                            for c in having
                        ),
                    ),
                    "keep",
                )
            )
            if answer != "keep":
                keep, whose = False, answer.removeprefix("use:")
        for clip in have.clips:
            self._u.ledger.set(clip, commune_id=plan.into)
            if clip.builtin and clip.commune_id != whose:
                title = f"{clip.title} ({self._u.name(clip.commune_id)})"
                self._u.draft.titles[clip.id] = title
                self._u.ledger.set(clip, builtin="", title=title, folded=folded(f"{title} {clip.original_name}"))
        for programme in have.programmes:
            if not keep or programme.commune_id == whose:
                continue
            for item in have.items[programme.number]:
                chime = own.get((programme.commune_id, item.kind))
                if ItemKind(item.kind) in CHIMES and chime is not None:
                    self._u.ledger.set(item, kind=ItemKind.CLIP.value, clip_id=chime.id)

    def _rest(self) -> None:
        plan, have = self._u.plan, self._u.have
        for programme in have.programmes:
            self._u.ledger.set(programme, commune_id=plan.into)
        for job in have.jobs:
            self._u.ledger.set(job, commune_id=plan.into)
        backups = {b.commune_id: b for b in have.backups}
        if backups:
            whose = next(c for c in plan.sources if c in backups)
            if len(backups) > 1:
                whose = self._u.ask_whose(
                    "backup",
                    About.BACKUP,
                    N_("Each commune has a backup recording: which one do all receivers keep?"),
                    "use:",
                    list(backups),
                )
            for backup in backups.values():
                self._u.ledger.remove(backup)
            self._u.ledger.add(BackupClip(commune_id=plan.into, clip_id=backups[whose].clip_id))

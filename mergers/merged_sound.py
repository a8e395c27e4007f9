"""What sounds after a merge: recordings, chimes, programmes and the backup recording."""

from broadcast.backup_clip import BackupClip
from broadcast.programmes import CHIMES, ItemKind
from mergers.merge_context import MergeContext
from mergers.merge_draft import choice
from mergers.plans import QuestionTopic
from parsing.names import folded
from runtime.refusal import N_


class MergedSound:
    def __init__(self, context: MergeContext) -> None:
        self._context = context

    def work_out(self) -> None:
        self._chimes()
        self._rest()

    def _chimes(self) -> None:
        plan, data = self._context.plan, self._context.data
        own = {(c.commune_id, c.builtin): c for c in data.clips if c.builtin}
        having = [c for c in plan.sources if any(commune == c for commune, _ in own)]
        whose = having[0] if having else ""
        keep = True
        if len(having) > 1:
            keep_message = N_("Programmes keep the chimes they have; new ones get those of {commune}")
            use_message = N_("All programmes get the chimes of {commune}")
            answer = self._context.ask(
                "chimes",
                QuestionTopic.CHIMES,
                N_("Each commune has chimes of its own."),
                [
                    choice("keep", keep_message, commune=self._context.name(whose)),
                    *(choice(f"use:{c}", use_message, commune=self._context.name(c)) for c in having),
                ],
                "keep",
            )
            if answer != "keep":
                keep, whose = False, answer.removeprefix("use:")
        for clip in data.clips:
            self._context.ledger.set(clip, commune_id=plan.into)
            if clip.builtin and clip.commune_id != whose:
                title = f"{clip.title} ({self._context.name(clip.commune_id)})"
                self._context.draft.titles[clip.id] = title
                self._context.ledger.set(clip, builtin="", title=title, folded=folded(f"{title} {clip.original_name}"))
        for programme in data.programmes:
            if not keep or programme.commune_id == whose:
                continue
            for item in data.items[programme.number]:
                chime = own.get((programme.commune_id, item.kind))
                if ItemKind(item.kind) in CHIMES and chime is not None:
                    self._context.ledger.set(item, kind=ItemKind.CLIP.value, clip_id=chime.id)

    def _rest(self) -> None:
        plan, data = self._context.plan, self._context.data
        for programme in data.programmes:
            self._context.ledger.set(programme, commune_id=plan.into)
        for job in data.jobs:
            self._context.ledger.set(job, commune_id=plan.into)
        backups = {b.commune_id: b for b in data.backups}
        if backups:
            whose = next(c for c in plan.sources if c in backups)
            if len(backups) > 1:
                whose = self._context.ask_whose(
                    "backup",
                    QuestionTopic.BACKUP,
                    N_("Each commune has a backup recording: which one do all receivers keep?"),
                    [c for c in plan.sources if c in backups],
                )
            for backup in backups.values():
                self._context.ledger.remove(backup)
            self._context.ledger.add(BackupClip(commune_id=plan.into, clip_id=backups[whose].clip_id))

"""Labels of playback modes: how a broadcast is spread over its receivers."""

from collections.abc import Sequence
from datetime import datetime

from broadcast.modes import Mode, Spread
from runtime.refusal import N_
from web.formatting import Wording

MODES_SHORT = {Mode.ALIGNED: N_("aligned by distance"), Mode.STAGGERED: N_("zone by zone")}


def mode_sentence(w: Wording, spread: Spread, turns: Sequence[Sequence[str]], ends_at: datetime | None) -> str:
    """What the mode will do: "" for in step. turns: by name. ends_at: of the next time, None when there is none."""
    if spread.mode is Mode.ALIGNED:
        return w.t("All horns are heard at the same moment at the chosen place: nearer horns start slightly later.")
    if spread.mode is Mode.STAGGERED and turns and ends_at is not None:
        listed = "; ".join(f"{k + 1}. {w.listed(list(turn))}" for k, turn in enumerate(turns))
        return w.t(
            "Zone by zone: {n} turns, ends at {until}. {turns}", n=len(turns), until=w.clock(ends_at), turns=listed
        )
    return ""

"""Sentences about a recording that was accepted and could be better."""

from broadcast.clip_warnings import ClipWarning, WarningKind, warnings_from_text
from broadcast.clips import Clip
from runtime.refusal import N_
from web.formatting import Wording

_SENTENCES = {
    WarningKind.NOISE_LIFTED: N_(
        "Quiet recording: its noise is raised by {value} dB too. Speak closer to the microphone next time."
    ),
    WarningKind.ONE_CHANNEL: N_(
        "The channels of this recording cancel each other, perhaps because a microphone is wired the wrong way round. "
        "Only channel {value} is used."
    ),
    WarningKind.STILL_QUIET: N_(
        "Very quiet recording: even amplified as far as possible, it is softer than others ({value} LUFS)."
    ),
    WarningKind.UNEVEN: N_(
        "Loud sounds and soft words in one recording: the words stay softer than in others ({value} LUFS). Speak "
        "closer to the microphone next time."
    ),
}


def clip_warnings(w: Wording, clip: Clip) -> list[str]:
    """The sentences for a clip's page; a kind that a newer version stored is left out."""
    return [_sentence(w, warning) for warning in warnings_from_text(clip.warnings) if warning.kind in _SENTENCES]


def _sentence(w: Wording, warning: ClipWarning) -> str:
    kind = WarningKind(warning.kind)
    decimals = 1 if kind in (WarningKind.STILL_QUIET, WarningKind.UNEVEN) else 0
    return w.t(_SENTENCES[kind], value=w.number(warning.value, decimals))

"""Sentences of proof: whether a broadcast could be heard at a receiver."""

from typing import NamedTuple

from broadcast.play_proof import ProofSummary
from broadcast.play_reports import NOT_HEARD, PlayReportRow
from web.request_context import Frame
from wire.reports import AcousticProof, ElectricalProof


class Evidence(NamedTuple):
    """What one tier says of one receiver. passed: None when nothing is fitted."""

    passed: bool | None
    words: str


def unproved(frame: Frame, proof: ProofSummary, most: int) -> list[str]:
    """Which receivers played it and were not to be heard; at most so many by name."""
    t = frame.t
    lines = [
        t("{receiver}: not heard by the microphone", receiver=name)
        if cause == NOT_HEARD
        else t("{receiver}: the amplifier drew no current", receiver=name)
        for name, cause in proof.unproved[:most]
    ]
    more = proof.more + len(proof.unproved) - len(lines)
    return [*lines, t("and {n} more places", n=more)] if more else lines


def tiers(frame: Frame, proof: ProofSummary) -> list[str]:
    """At how many receivers it was proved by what; nothing where none has more than frames."""
    lines = []
    if proof.by_microphone:
        lines.append(frame.t("{n} confirmed by microphone", n=proof.by_microphone))
    if proof.by_current:
        lines.append(frame.t("{n} confirmed by amplifier current", n=proof.by_current))
    return lines


def evidence(frame: Frame, report: PlayReportRow) -> list[Evidence]:
    """What each tier says, the strongest first."""
    heard, drew = report.acoustic_proof, report.electrical_proof
    items = [Evidence(heard.passed, _heard(frame, heard))] if heard else []
    items += [Evidence(drew.passed, _drew(frame, drew))] if drew else []
    return items or [Evidence(None, frame.t("Playback report only: no meter or microphone fitted"))]


def _heard(frame: Frame, proof: AcousticProof) -> str:
    t, w = frame.t, frame.wording
    values = {"heard": proof.heard_in, "all": proof.windows}
    if proof.delay_us is None:
        return t("Microphone: heard in {heard} of {all} checks", **values)
    late = f"{w.number(proof.delay_us / 1000)} ms"
    return t("Microphone: heard in {heard} of {all} checks, {late} after playback", late=late, **values)


def _drew(frame: Frame, proof: ElectricalProof) -> str:
    w = frame.wording
    values = {name: w.number(getattr(proof, name), 2) for name in ("mean", "lowest", "highest")}
    return frame.t(
        "Amplifier: {mean} {unit} ({lowest} to {highest}), sufficient in {above} of {all} readings",
        unit=proof.unit,
        above=proof.above,
        all=proof.readings,
        **values,
    )

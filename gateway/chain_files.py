"""Reads chains, and says what contradicts itself in one before anything is opened or switched."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from gateway import sensing
from gateway.description import (
    MOST_LEAD_MS,
    Chain,
    ChainKind,
    ChainUnusable,
    Check,
    Dtmf,
    GpioInput,
    GpioOutput,
    Input,
    ModbusInput,
    ModbusOutput,
    Output,
    RdsOutput,
    SerialInput,
    SerialOutput,
    Switch,
)
from gateway.rds_profiles import ProfileUnusable, RdsProfile, check_profile, frames_of, read_profile
from gateway.sensing import ModemPort

#: A receiver that hangs is found out in 4 s, ended and replaced in 1 s: 10 s leave so much to switch everything off.
MOST_DROP_MS = 5_000


def read_chain(file: Path) -> Chain:
    """Read a chain, with its RDS profiles. Raises ChainUnusable."""
    try:
        chain = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Chain)
        outputs = {name: _with_profile(output, file.parent) for name, output in chain.outputs.items()}
    except OSError as failure:
        raise ChainUnusable(f"{file}: {failure.strerror}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ChainUnusable(f"{file} is no TOML file: {failure}") from failure
    except (msgspec.ValidationError, ProfileUnusable) as failure:
        raise ChainUnusable(f"{file}: {failure}") from failure
    chain = msgspec.structs.replace(chain, outputs=outputs)
    wrong = contradictions(chain)
    if wrong:
        raise ChainUnusable(f"{file}: " + "; ".join(wrong))
    return chain


def one_relay(pin: str) -> Chain:
    """The chain of an amplifier that is one relay on a pin. Raises ChainUnusable."""
    try:
        output = msgspec.convert({"type": "gpio", "pin": pin}, GpioOutput)
    except msgspec.ValidationError as failure:
        raise ChainUnusable(f"{pin!r} is no pin; write GPIO17") from failure
    return Chain(kind=ChainKind.IP, outputs={"amplifier": output}, on=[Switch(output="amplifier")])


def _with_profile(output: Output, folder: Path) -> Output:
    """An RDS output with its profile in the place of the profile's name. Raises ProfileUnusable."""
    if not isinstance(output, RdsOutput):
        return output
    if isinstance(output.profile, RdsProfile):
        check_profile(output.profile)
        profile = output.profile
    else:
        profile = read_profile(output.profile, folder)
    frames_of(profile, output.groups, True)
    return msgspec.structs.replace(output, profile=profile)


def contradictions(chain: Chain) -> list[str]:
    """What cannot be, a sentence each; empty when the chain can work."""
    sensed = sensing.contradictions(chain.inputs, chain.proof, chain.line, chain.supply)
    return [*_names(chain), *_places(chain), *_lines(chain), *_values(chain), *_order(chain), *_times(chain), *sensed]


def _names(chain: Chain) -> list[str]:
    said = []
    for where, steps in (("on", chain.on), ("off", chain.off)):
        for number, step in enumerate(steps, 1):
            if isinstance(step, Switch) and step.output not in chain.outputs:
                said.append(f"step {number} of '{where}' switches '{step.output}', which is not among the outputs")
            if isinstance(step, Check) and step.input not in chain.inputs:
                said.append(f"step {number} of '{where}' reads '{step.input}', which is not among the inputs")
    return said


def _places(chain: Chain) -> list[str]:
    taken: dict[str, str] = {}
    said = []
    pins = [(name, each.place) for name, each in chain.inputs.items() if isinstance(each, GpioInput)]
    for name, place in [*((name, place) for name, each in chain.outputs.items() for place in each.places), *pins]:
        if place in taken:
            said.append(f"'{name}' and '{taken[place]}' both use {place}; each needs one of its own")
        taken[place] = name
    return said


def _lines(chain: Chain) -> list[str]:
    """Serial ports that two would speak on in different ways."""
    spoken: dict[str, tuple[str, str, int]] = {}
    said = []
    modem = [("modem", chain.modem)] if chain.modem else []
    for name, each in [*chain.outputs.items(), *chain.inputs.items(), *modem]:
        for port, manner, baud in _ports(each):
            other, other_manner, other_baud = spoken.setdefault(port, (name, manner, baud))
            if manner != other_manner:
                said.append(f"'{name}' speaks {manner} on {port} and '{other}' {other_manner}; give each a line")
            elif baud != other_baud:
                said.append(f"'{name}' and '{other}' share {port} with {baud} and {other_baud} baud; one speed only")
    return said


def _ports(each: Output | Input | ModemPort) -> list[tuple[str, str, int]]:
    """The serial port that an output or input uses, what is spoken on it, and how fast."""
    match each:
        case SerialOutput() | SerialInput():
            return [(each.port, "words", each.baud)]
        case ModemPort():
            return [(each.port, "AT commands", each.baud)]
        case ModbusOutput() | ModbusInput() if each.url.startswith("rtu:"):
            where = urlsplit(each.url)
            baud = parse_qs(where.query).get("baud", ["9600"])[0]
            return [(where.path, "Modbus", int(baud) if baud.isdigit() else 0)]
        case RdsOutput() if each.link.startswith("serial:"):
            port, _, baud = each.link.removeprefix("serial:").partition("?baud=")
            return [(port, "UECP", int(baud or 9600))]
        case _:
            return []


def _values(chain: Chain) -> list[str]:
    """Of single steps and inputs: what can never hold, never be read, or not be sounded."""
    said = []
    for step in [*chain.on, *chain.off]:
        if isinstance(step, Check) and step.least > step.most:
            said.append(
                f"the check of '{step.input}' can never hold: least {step.least:g} is more than most {step.most:g}"
            )
        if isinstance(step, Dtmf) and _peak(step) > 1:
            said.append(f"the tones {step.digits} are too loud together: lower level_dbfs ({step.level_dbfs:g})")
    for name, source in chain.inputs.items():
        if isinstance(source, SerialInput):
            try:
                if re.compile(source.pattern).groups != 1:
                    said.append(f"the pattern of '{name}', {source.pattern!r}, must have one group: the number")
            except re.error as failure:
                said.append(f"the pattern of '{name}', {source.pattern!r}, is none: {failure}")
    return said


def _peak(step: Dtmf) -> float:
    low = 10 ** (step.level_dbfs / 20)
    return float(low * (1 + 10 ** (step.twist_db / 20)))


def _order(chain: Chain) -> list[str]:
    said = []
    closed = [step.output for step in chain.on if isinstance(step, Switch)]
    opened = {step.output for step in chain.steps_off if isinstance(step, Switch)}
    if not closed and not chain.only_senses:
        said.append("'on' switches nothing: a chain without a relay needs no description")
    said += [f"'{name}' is switched on twice" for name, times in sorted(Counter(closed).items()) if times > 1]
    said += [f"'{name}' is switched on and never off" for name in closed if name not in opened]
    said += [f"'{name}' is no step's output; leave it out" for name in chain.outputs if name not in closed]
    if closed and isinstance(next((s for s in chain.on if isinstance(s, Switch | Dtmf)), None), Dtmf):
        said.append("the tones sound before anything is switched on: nobody would hear them")
    said += [
        f"step {number} of 'off' names zones; everything is switched off, whoever was meant"
        for number, step in enumerate(chain.off, 1)
        if step.zones
    ]
    dropped = [number for number, step in enumerate(chain.off) if isinstance(step, Switch)]
    if dropped and any(isinstance(step, Dtmf) for step in chain.off[dropped[-1] :]):
        said.append("the tones of 'off' sound after everything is off: nobody would hear them")
    return said


def _times(chain: Chain) -> list[str]:
    said = []
    if chain.lead_ms > MOST_LEAD_MS:
        said.append(f"'on' may take {chain.lead_ms / 1000:g} s; more than {MOST_LEAD_MS // 1000} s is no start")
    if chain.drop_ms > MOST_DROP_MS:
        said.append(
            f"switching everything off may take {chain.drop_ms / 1000:g} s; with more than {MOST_DROP_MS // 1000} s "
            "a receiver that hangs would stay on for longer than 10 s"
        )
    return said

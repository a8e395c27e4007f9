"""Reads chain files and checks them before any device is opened or switched."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from gateway import sensor_description
from gateway.description import MOST_LEAD_MS, Chain, ChainKind, Check, Dtmf, Switch
from gateway.device_description import (
    ChainUnusable,
    GpioInput,
    GpioOutput,
    Input,
    ModbusInput,
    ModbusOutput,
    Output,
    RdsOutput,
    SerialInput,
    SerialOutput,
)
from gateway.rds_profiles import ProfileUnusable, RdsProfile, check_profile, frames_of, read_profile
from gateway.sensor_description import ModemPort

#: A hang is detected in 4 s and the receiver killed in 1 s; of 10 s this remains to switch everything off.
MOST_DROP_MS = 5_000


def read_chain(file: Path) -> Chain:
    """Read a chain, with its RDS profiles. Raises ChainUnusable."""
    try:
        chain = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Chain)
        outputs = {name: _with_profile(output, file.parent) for name, output in chain.outputs.items()}
    except OSError as failure:
        raise ChainUnusable(f"{file}: {failure.strerror}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ChainUnusable(f"{file} is not a TOML file: {failure}") from failure
    except (msgspec.ValidationError, ProfileUnusable) as failure:
        raise ChainUnusable(f"{file}: {failure}") from failure
    chain = msgspec.structs.replace(chain, outputs=outputs)
    wrong = contradictions(chain)
    if wrong:
        raise ChainUnusable(f"{file}: " + "; ".join(wrong))
    return chain


def one_relay(pin: str) -> Chain:
    """The chain of an amplifier that a single relay on a pin switches. Raises ChainUnusable."""
    try:
        output = msgspec.convert({"type": "gpio", "pin": pin}, GpioOutput)
    except msgspec.ValidationError as failure:
        raise ChainUnusable(f"{pin!r} is not a pin; write GPIO17") from failure
    return Chain(kind=ChainKind.IP, outputs={"amplifier": output}, on=[Switch(output="amplifier")])


def _with_profile(output: Output, folder: Path) -> Output:
    """An RDS output with its profile in place of the profile's name. Raises ProfileUnusable."""
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
    """Faults of a chain, a sentence each; empty when it can work."""
    sensors = sensor_description.contradictions(chain.inputs, chain.proof, chain.line, chain.supply)
    if chain.trigger and chain.trigger not in chain.inputs:
        sensors.append(f"'trigger' reads '{chain.trigger}', which is not among the inputs")
    return [
        *_names(chain),
        *_places(chain),
        *_lines(chain),
        *_values(chain),
        *_order(chain),
        *_times(chain),
        *sensors,
    ]


def _names(chain: Chain) -> list[str]:
    faults = []
    for where, steps in (("on", chain.on), ("off", chain.off)):
        for number, step in enumerate(steps, 1):
            if isinstance(step, Switch) and step.output not in chain.outputs:
                faults.append(f"step {number} of '{where}' switches '{step.output}', which is not among the outputs")
            if isinstance(step, Check) and step.input not in chain.inputs:
                faults.append(f"step {number} of '{where}' reads '{step.input}', which is not among the inputs")
    return faults


def _places(chain: Chain) -> list[str]:
    used_by: dict[str, str] = {}
    faults = []
    pins = [(name, each.place) for name, each in chain.inputs.items() if isinstance(each, GpioInput)]
    for name, place in [*((name, place) for name, each in chain.outputs.items() for place in each.places), *pins]:
        if place in used_by:
            faults.append(f"'{name}' and '{used_by[place]}' both use {place}; give each another one")
        used_by[place] = name
    return faults


def _lines(chain: Chain) -> list[str]:
    """Serial ports that are used with two protocols or two speeds."""
    users: dict[str, tuple[str, str, int]] = {}
    faults = []
    modem = [("modem", chain.modem)] if chain.modem else []
    for name, each in [*chain.outputs.items(), *chain.inputs.items(), *modem]:
        for port, manner, baud in _ports(each):
            other, other_manner, other_baud = users.setdefault(port, (name, manner, baud))
            if manner != other_manner:
                faults.append(f"'{name}' uses {port} for {manner} and '{other}' for {other_manner}; use two lines")
            elif baud != other_baud:
                faults.append(f"'{name}' and '{other}' share {port} with {baud} and {other_baud} baud; one speed only")
    return faults


def _ports(each: Output | Input | ModemPort) -> list[tuple[str, str, int]]:
    """The serial port of an output or input, its protocol and its speed in baud."""
    match each:
        case SerialOutput() | SerialInput():
            return [(each.port, "text", each.baud)]
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
    """Faults of single steps and inputs: limits that never hold, patterns that never match, tones that clip."""
    faults = []
    for step in [*chain.on, *chain.off]:
        if isinstance(step, Check) and step.least > step.most:
            faults.append(
                f"the check of '{step.input}' can never hold: least {step.least:g} is more than most {step.most:g}"
            )
        if isinstance(step, Dtmf) and _peak(step) > 1:
            faults.append(f"the tones {step.digits} are too loud together: lower level_dbfs ({step.level_dbfs:g})")
    for name, source in chain.inputs.items():
        if isinstance(source, SerialInput):
            try:
                if re.compile(source.pattern).groups != 1:
                    faults.append(f"the pattern of '{name}', {source.pattern!r}, must have one group: the number")
            except re.error as failure:
                faults.append(f"the pattern of '{name}', {source.pattern!r}, is not a regular expression: {failure}")
    return faults


def _peak(step: Dtmf) -> float:
    low = 10 ** (step.level_dbfs / 20)
    return float(low * (1 + 10 ** (step.twist_db / 20)))


def _order(chain: Chain) -> list[str]:
    faults = []
    closed = [step.output for step in chain.on if isinstance(step, Switch)]
    opened = {step.output for step in chain.steps_off if isinstance(step, Switch)}
    if not closed and not chain.only_sensors:
        faults.append("'on' switches nothing: a receiver without a relay needs no chain")
    faults += [f"'{name}' is switched on twice" for name, times in sorted(Counter(closed).items()) if times > 1]
    faults += [f"'{name}' is switched on and never off" for name in closed if name not in opened]
    faults += [f"'{name}' is no step's output; leave it out" for name in chain.outputs if name not in closed]
    if closed and isinstance(next((s for s in chain.on if isinstance(s, Switch | Dtmf)), None), Dtmf):
        faults.append("the tones play before anything is switched on: no cluster would hear them")
    faults += [
        f"step {number} of 'off' names zones; everything is switched off, whatever the zones"
        for number, step in enumerate(chain.off, 1)
        if step.zones
    ]
    dropped = [number for number, step in enumerate(chain.off) if isinstance(step, Switch)]
    if dropped and any(isinstance(step, Dtmf) for step in chain.off[dropped[-1] :]):
        faults.append("the tones of 'off' play after everything is off: no cluster would hear them")
    return faults


def _times(chain: Chain) -> list[str]:
    faults = []
    if chain.lead_ms > MOST_LEAD_MS:
        faults.append(f"'on' may take {chain.lead_ms / 1000:g} s; more than {MOST_LEAD_MS // 1000} s is too long")
    if chain.drop_ms > MOST_DROP_MS:
        faults.append(
            f"switching everything off may take {chain.drop_ms / 1000:g} s; with more than {MOST_DROP_MS // 1000} s "
            "a receiver that hangs would stay on for longer than 10 s"
        )
    return faults

"""SMS through gammu-smsd: a message is a file in its outbox, which it moves when it has sent the message, or given up.

`gammu-smsd-inject` cannot send 8-bit data; the outbox takes it as a backup file of gammu's own format.
"""

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

from notifications.channels import DeliveryFailed
from runtime.refusal import N_, Refusal

#: Gammu's own length of a line in its backup files.
_LINE = 200
_MESSAGE = """[SMSBackup000]
Number = "{phone}"
State = UnSent
Length = {length}
Coding = 8bit
Folder = 2
Class = -1
{text}
"""


@dataclass(frozen=True)
class GammuFolders:
    """errors: into which gammu-smsd moves what it could not send."""

    outbox: Path
    errors: Path


def gammu_folders(file: Path) -> GammuFolders:
    """From the configuration of gammu-smsd. Raises Refusal."""
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=("#", ";"))
    try:
        parser.read_string(file.read_text(errors="replace"))
    except (OSError, configparser.Error) as error:
        why = getattr(error, "strerror", None) or type(error).__name__  # no line of the file: it may hold a PIN
        raise Refusal(
            N_("The configuration of gammu-smsd ({file}) cannot be read: {why}."), file=str(file), why=why
        ) from None
    smsd = dict(parser["smsd"]) if parser.has_section("smsd") else {}
    if smsd.get("service", "").lower() != "files":
        raise Refusal(N_("{file}: gammu-smsd must use files. Write service = files in [smsd]."), file=str(file))
    for name in ("outboxpath", "errorsmspath"):
        if not smsd.get(name):
            raise Refusal(
                N_("{file}: {name} is missing in [smsd]. Write the folder, for example {example}."),
                file=str(file),
                name=name,
                example="/var/spool/gammu/outbox/" if name == "outboxpath" else "/var/spool/gammu/error/",
            )
    folders = GammuFolders(Path(smsd["outboxpath"]), Path(smsd["errorsmspath"]))
    if folders.outbox == folders.errors or folders.errors == Path(smsd.get("sentsmspath", smsd["outboxpath"])):
        raise Refusal(
            N_("{file}: errorsmspath must be another folder than outboxpath and sentsmspath."), file=str(file)
        )
    for folder in (folders.outbox, folders.errors):
        if not folder.is_dir():
            raise Refusal(N_("{file}: the folder {folder} does not exist."), file=str(file), folder=str(folder))
    if not os.access(folders.outbox, os.W_OK):
        raise Refusal(
            N_("Loa may not write to {folder}. Add its user to the group of gammu-smsd."), folder=str(folders.outbox)
        )
    return folders


class GammuSender:
    """`notifications.binary_sms.BinarySmsSender`. gammu-smsd tries again by itself before it gives a message up."""

    def __init__(self, folders: GammuFolders) -> None:
        self._folders = folders

    def send(self, phone: str, data: bytes, name: str) -> bool:
        digits = data.hex().upper()
        lines = [f"Text{at // _LINE:02} = {digits[at : at + _LINE]}" for at in range(0, len(digits), _LINE)]
        content = _MESSAGE.format(phone=phone, length=len(data), text="\n".join(lines))
        file = self._file(phone, name)
        part = file.with_name(f"part-{file.name}")  # gammu-smsd takes only names that begin with OUT
        try:
            (self._folders.errors / file.name).unlink(missing_ok=True)
            part.write_text(content)
            part.chmod(0o660)
            part.replace(file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DeliveryFailed(
                N_("The outbox of gammu-smsd ({folder}) takes no message: {why}."),
                folder=str(self._folders.outbox),
                why=error.strerror or type(error).__name__,
            ) from None
        return False

    def is_sent(self, phone: str, name: str) -> bool:
        file = self._file(phone, name)
        if file.exists():
            return False
        if (self._folders.errors / file.name).exists():
            raise DeliveryFailed(N_("gammu-smsd could not send the message. Its log says why."))
        return True

    def withdraw(self, phone: str, name: str) -> bool:
        try:
            self._file(phone, name).unlink()
        except OSError:
            return False
        return True

    def _file(self, phone: str, name: str) -> Path:
        """Priority, date, time and serial number are fixed: the order of names is the order of sending."""
        return self._folders.outbox / f"OUTA20000101_000000_00_{phone}_{name}.smsbackup"

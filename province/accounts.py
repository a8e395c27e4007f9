"""Accounts at the province's system: name and password, in the folder of secrets and nowhere else."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from devices.communes import check_id
from runtime.refusal import N_, Refusal
from runtime.secret_files import keep_secret, kept_secret


@dataclass(frozen=True)
class Account:
    """How a commune signs in at the province's system."""

    user: str
    password: str = field(repr=False)


class Accounts:
    """Those of all communes, one file each."""

    def __init__(self, secrets: Path) -> None:
        """secrets: the controller's folder of secrets."""
        self._folder = secrets

    def keep(self, commune_id: str, user: str, password: str) -> None:
        """Keep one, in the place of an older one. Raises Refusal."""
        if not user.strip() or not password:
            raise Refusal(N_("The province's system wants a name and a password. Fill in both."))
        keep_secret(self._path(commune_id), json.dumps({"user": user.strip(), "password": password}))

    def of(self, commune_id: str) -> Account | None:
        """One, None when there is none yet. Raises Refusal when it is damaged or others could read it."""
        secret = kept_secret(self._path(commune_id))
        if secret is None:
            return None
        try:
            read = json.loads(secret)
            return Account(str(read["user"]), str(read["password"]))
        except (ValueError, KeyError, TypeError):
            raise Refusal(N_("The account at the province's system is damaged. Enter it again.")) from None

    def forget(self, commune_id: str) -> None:
        self._path(commune_id).unlink(missing_ok=True)

    def _path(self, commune_id: str) -> Path:
        check_id(commune_id)
        return self._folder / f"province-{commune_id}.account"

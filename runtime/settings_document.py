"""The page about settings, written from the settings themselves."""

from runtime.settings import Settings


def settings_document() -> str:
    """The text of docs/settings.md; a test holds the file equal to it."""
    lines = [
        "# Settings",
        "",
        "Each setting is read from the environment as `LOA_…`, or from the file `loa.toml` in the data folder (`LOA_SETTINGS_FILE` names",
        "another), where the name is in lower case and without `LOA_`. Options of `loa serve` override the environment, the",
        "environment overrides the file. A name in the file that is not listed here is refused.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{str(field.default).lower()}`"
        lines.append(f"| `LOA_{name.upper()}` | {default} | {field.description} |")
    lines += [
        "",
        "Secrets are not settings: they are created on the first start, in `secrets/` in the data folder, readable by the owner",
        "only. They are part of a backup (`docs/backup.md`): receivers obey no other controller key. Two are written by you, if they are",
        "needed: `secrets/smtp.password` and `secrets/sms.secret` ([notifications.md](notifications.md)).",
    ]
    return "\n".join(lines) + "\n"

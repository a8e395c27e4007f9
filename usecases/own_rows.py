"""Rows of the commune that a use case was called for. A row of another commune is as good as none."""

from typing import Protocol, TypeVar

from runtime.refusal import NotFound


class _CommuneRow(Protocol):
    commune_id: str


R = TypeVar("R", bound=_CommuneRow)


def own(row: R, commune_id: str, message_id: str, **values: object) -> R:
    """The row, when it is the commune's. Raises NotFound with this message."""
    if row.commune_id != commune_id:
        raise NotFound(message_id, **values)
    return row

"""What a line says when nothing that was wanted came."""


class Unanswered(Exception):
    """What was wanted did not come in time. heard: what came instead."""

    def __init__(self, heard: bytes) -> None:
        super().__init__(heard)
        self.heard = heard

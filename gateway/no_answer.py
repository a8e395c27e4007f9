"""The answer of a device did not arrive."""


class NoAnswer(Exception):
    """No matching answer in time. received: the bytes that came instead."""

    def __init__(self, received: bytes) -> None:
        super().__init__(received)
        self.received = received

"""Why the demo or its check could not go on."""


class DemoFailed(Exception):
    """The message names the part that failed and the cause."""

"""Fixtures of the acoustics tests: those of the receivers."""

from tests.devices.conftest import *  # noqa: F403

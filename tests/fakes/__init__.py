"""Fakes that refuse what the real thing refuses; tests/contracts proves it."""

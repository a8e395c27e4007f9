"""Microphone, meters and supply: whether what was played was heard."""

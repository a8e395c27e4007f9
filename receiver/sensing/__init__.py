"""Microphone, meters and supply: whether the broadcast was audible."""

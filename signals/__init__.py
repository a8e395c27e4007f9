"""Signal processing that receiver, acoustics and demo share: pure functions of arrays."""

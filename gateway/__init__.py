"""What stands behind a receiver's sound card: relays, lines, a transmitter, switched in order and read back."""

"""The equipment behind a receiver's sound card, switched in order and read back: relays, lines, transmitters."""

"""Relays: an outside radio station fetched, decoded and sent as live sound, with fallback while it fails."""

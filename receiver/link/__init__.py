"""The broker connection and what is sent over it: identity, heartbeats, reports, faults."""

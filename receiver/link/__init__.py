"""The connection to the broker and what is sent over it: identity, heartbeats, reports, faults."""

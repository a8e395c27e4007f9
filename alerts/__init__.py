"""Emergencies: prepared messages and their sounds, alerts and their receipts, and the path on which they are sent."""

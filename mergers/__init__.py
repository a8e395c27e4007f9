"""Mergers and splits of communes: rehearsed, done in one transaction, undone."""

"""Communes become others: rehearsed, done in one transaction, undone."""

"""Whole use cases over real processes, a real broker and a real browser."""

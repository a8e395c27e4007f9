"""Rules of the normaliser: each reads one class of written forms, at one place of a line."""

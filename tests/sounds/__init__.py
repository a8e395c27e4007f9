"""Known sounds: a table of recordings and what is in them, made on the fly (`python -m tests.sounds.known FOLDER`)."""

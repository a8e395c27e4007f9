"""Words for states, kinds and causes, marked for translation."""

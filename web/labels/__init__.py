"""Labels for states, kinds and causes, marked for translation."""

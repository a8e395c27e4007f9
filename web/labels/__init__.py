"""Labels: for each kind of thing, the words and sentences that pages show for its codes, marked for translation."""

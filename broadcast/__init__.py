"""WHAT goes out: clips, programmes, broadcasts, and what was reported of them."""

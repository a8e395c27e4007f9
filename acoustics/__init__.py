"""Sound between horns: echo pairs, arrival times in recordings, and measured path delays."""

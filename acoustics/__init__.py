"""Sound between horns: echoes, arrival times in recordings, and measured path delays."""

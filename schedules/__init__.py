"""WHEN: the timetable, its due instants, and the alarm clock that wakes for them."""

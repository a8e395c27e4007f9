"""When: the timetable, its due instants, and the plan made from them."""

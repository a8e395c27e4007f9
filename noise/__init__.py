"""When a commune may sound and how loud: allowed hours, night level, minutes a day, days off."""

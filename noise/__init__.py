"""When a commune may sound and how loud: allowed hours, night level, noise budget, days off."""

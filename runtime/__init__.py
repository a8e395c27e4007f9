"""What a running controller has exactly one of: settings, clock, database, broker, interval alarms."""

"""What one running controller has exactly one of: settings, clock, database, broker connection."""

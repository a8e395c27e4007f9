"""Exchange with other systems: imports, backup and restore."""

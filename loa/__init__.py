"""The command, and the one place where all parts are joined."""

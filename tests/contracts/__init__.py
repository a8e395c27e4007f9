"""The same tests for a fake and for the real thing that it stands for."""

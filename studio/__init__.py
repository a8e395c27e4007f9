"""Live broadcasts from the microphone of a browser."""

"""What plays at an instant, and its samples at the pace of the sound card."""

"""What sounds at an instant, and reading its samples at the pace of the card."""

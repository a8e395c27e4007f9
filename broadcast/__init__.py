"""What goes out: clips, programmes, broadcasts, and the receivers' reports on them."""

"""Live streams on a receiver: frames verified, ordered, decoded, and lost ones concealed."""

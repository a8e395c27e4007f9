"""Live streams as a receiver takes them: frames verified, ordered, decoded, concealed."""

"""The province above the communes: what is sent up, what comes down, in its own tongue."""

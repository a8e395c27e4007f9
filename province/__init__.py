"""The exchange with the province's system: what is sent up, and what is accepted from it."""

"""Tells people of faults: rules of each person, bursts as one message, delivery by e-mail, SMS and webhook."""

"""Alerts: the alert book, compact alerts from every bearer, and the broadcasts that are made of them."""

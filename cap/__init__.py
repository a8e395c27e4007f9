"""Alerts from outside in the Common Alerting Protocol (CAP 1.2): reading, areas, sources, inbox, writing."""

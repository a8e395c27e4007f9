"""Alerts from outside in the Common Alerting Protocol: reading, areas, sources, inbox and writing."""

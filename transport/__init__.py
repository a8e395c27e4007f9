"""Sockets that controller and receiver share: MQTT network loop, datagrams with arrival times; no rules."""

"""What controller and receiver share of the machine: MQTT client thread, datagrams, worker threads; no rules."""

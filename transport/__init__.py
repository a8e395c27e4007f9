"""What controller and receiver share of the network: the MQTT client's thread, datagrams with arrival times; no rules."""

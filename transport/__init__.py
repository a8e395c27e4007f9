"""Network code that controller and receiver share: MQTT client, datagrams with arrival times; no rules."""

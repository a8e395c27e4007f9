"""The contract both machines share: messages, topics, sealing. Pure: no I/O and no clock of its own."""

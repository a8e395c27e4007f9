"""The contract both machines share: messages, topics, sealing, shared rules; pure, no I/O and no clock."""

"""Who hears: communes, stations, zones, receivers, their presence, and the messages to and from them."""

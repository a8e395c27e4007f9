"""WHO hears: communes, stations, zones, receivers, their presence, and the way to and from them."""

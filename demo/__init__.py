"""The demo, its checks and the province simulator. The product imports nothing from here."""

"""The demo, its checks and the province simulator; the product imports nothing from here."""

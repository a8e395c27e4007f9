"""Sound cards, the virtual card, and the amplifier behind them."""

"""WHO may: operators, where each may do what, and what they did."""

"""Controller time as a receiver estimates it: exchanges, offset and drift, error bar."""

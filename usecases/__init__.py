"""Use cases: what a person or a part of Loa can do. Each one function: it checks, writes, audits and notifies."""

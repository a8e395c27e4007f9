"""What a person or a part of Loa can do: one function for each action, which checks, writes, audits and notifies."""

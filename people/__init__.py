"""Who may do what: operators, their rights in each commune, and the audit of their actions."""

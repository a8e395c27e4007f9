"""The migrations of all tables, by Alembic."""

"""The Alembic migrations of all tables."""

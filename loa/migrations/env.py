"""Alembic's entry: brings the tables of the connection it is handed to the newest version."""

from alembic import context
from sqlmodel import SQLModel

connection = context.config.attributes["connection"]
# SQLite changes tables by copying them; its foreign keys stay as they are meanwhile.
context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()

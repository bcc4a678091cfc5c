"""Run by Alembic: migrates over the connection that ``schema.upgrade`` gives."""

from alembic import context

from interference_service.store.tables import METADATA

# The caller's transaction is the only one, so that a schema changes as a whole or not at all.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()

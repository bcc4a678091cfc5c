"""Bringing a database to the newest schema, from code: there is no ini file to ship."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from interference_service.store.database import migrating
from interference_service.store.failures import told


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema, in one transaction.

    Services that start at the same time wait for each other.

    Raises:
        StoreUnavailable: The database is away or busy.
    """
    config = Config()
    config.set_main_option("script_location", "interference_service.store:migrations")
    with told(), migrating(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

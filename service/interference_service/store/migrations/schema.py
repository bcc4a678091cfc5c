"""Bringing a database to the newest schema, from code: there is no ini file to ship."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, func, select

from interference_service.store.database import writing

_LOCK = 0x696E7466
"""Key of PostgreSQL's advisory lock: any number, the same in every replica."""


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest schema, in one transaction.

    Services that start at the same time wait for each other.
    """
    config = Config()
    config.set_main_option("script_location", "interference_service.store:migrations")
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

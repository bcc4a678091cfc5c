"""Databases, and ways to them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from interference_service.store.database import open_database
from support.postgresql import PostgresServer
from support.proxy import Proxy, between


@pytest.fixture
def postgres_engine(postgres: PostgresServer, postgres_database: str) -> Iterator[Engine]:
    """An engine of a database with the newest schema."""
    engine = open_database(postgres.url(postgres_database))
    yield engine
    engine.dispose()


@pytest.fixture
def network(postgres: PostgresServer) -> Iterator[Proxy]:
    """What is between the service and the server."""
    with between(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def far_engine(
    postgres: PostgresServer, postgres_database: str, network: Proxy
) -> Iterator[Engine]:
    """An engine of the same database, by way of the network."""
    engine = open_database(postgres.url(postgres_database, network.port))
    yield engine
    engine.dispose()

"""The schema of the job store, one file a change under ``versions``."""

from interference_service.store.migrations.schema import upgrade

__all__ = ["upgrade"]

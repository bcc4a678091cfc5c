"""The schema of the job store, one file a change under ``versions``."""

from interference_service.store.migrations.schema import SchemaTooNew, schema_versions, upgrade

__all__ = ["SchemaTooNew", "schema_versions", "upgrade"]

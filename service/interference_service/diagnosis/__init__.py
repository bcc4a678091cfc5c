"""Whether the service would find all that it needs: ``interference-service check``."""

"""Parts of the service, made of its settings."""

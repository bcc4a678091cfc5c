"""Networks by name, for models that are weights alone."""

"""What a client points at: the only code that opens files for models and data."""

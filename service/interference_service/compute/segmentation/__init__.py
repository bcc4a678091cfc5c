"""One pass for all segments of a batch: an exported graph, rewritten where parameters meet rows."""

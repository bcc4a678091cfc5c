"""Image sets: found on disk, split and cut as a key says, and made ready for a network."""

"""The life of the process: ready or not, turning or stalled, and how it ends."""

"""What the service bears, in figures: latencies, watches, streams, and its memory over time."""

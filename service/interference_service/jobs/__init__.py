"""The life of a job: use cases, queue, recovery and retention, on the ports of the domain."""

"""The vocabulary of the service: jobs, specifications, results and ports; no torch, no I/O."""

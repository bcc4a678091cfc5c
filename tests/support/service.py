"""Settings of the services that tests start."""

FEW_RESOURCES = {
    "INTERFERENCE_COMPUTE__NUM_CPUS": "2",
    "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(300 << 20),
    "INTERFERENCE_COMPUTE__UNIT_ROWS": "64",
    "INTERFERENCE_JOBS__LEASE_SECONDS": "3",
    "INTERFERENCE_JOBS__CONCURRENCY": "3",
}
"""Small enough for two cores; small units, so that a job has several; few jobs, so that one waits."""

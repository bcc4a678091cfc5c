"""What outlives the process: jobs in SQL, results as files."""

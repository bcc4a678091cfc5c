"""What operators see: Prometheus series and logs."""

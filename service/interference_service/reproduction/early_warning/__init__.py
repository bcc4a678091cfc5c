"""How early, and how surely, the service's numbers tell which minority classes will fare badly."""

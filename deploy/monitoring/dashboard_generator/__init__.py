"""Writes the dashboards of Grafana: ``python -m dashboard_generator DIRECTORY``."""

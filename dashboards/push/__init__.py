"""Sends generated dashboards and alert rules to a running Grafana. Start with `plan`."""

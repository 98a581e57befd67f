"""Runs Prometheus, Alertmanager and Grafana from PATH beside the demo. Start with `stack`."""

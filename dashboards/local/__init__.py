"""Runs Prometheus, Alertmanager and Grafana from PATH beside the demo.

A config and the exporter's address come in; running programs and their addresses go out. Start with `stack`.
"""

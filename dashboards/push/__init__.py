"""Sends generated dashboards and alert rules to a running Grafana.

A config and Grafana's address come in; API requests go out. Start with `plan`, which compares the generated objects
with those in Grafana.
"""

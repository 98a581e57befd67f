"""Generates Grafana dashboards, alert rules and provisioning files from a config.

A checked config comes in; files for Grafana, Prometheus and Alertmanager go out, into a folder or to Grafana's API.
Start with `generate`: it lists every file and the module that makes it.
"""

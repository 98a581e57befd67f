"""Recording rules, alert rules, and who is notified, for Prometheus, Alertmanager and Grafana.

A config comes in; the content of rule files, provisioning files and promtool tests goes out. Start with `groups`,
which collects the rules, and `model`, which says what an alert rule is.
"""

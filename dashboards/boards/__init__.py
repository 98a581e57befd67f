"""The dashboards.

A config comes in; dashboards go out, as objects of `dashboards.grafana_model`. Start with `overview`. `kpi_panels`,
`kpi_charts` and `tables` have the panels.
"""

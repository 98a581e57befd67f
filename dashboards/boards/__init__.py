"""The dashboards.

A config comes in; dashboards go out, as objects of `dashboards.grafana_model`. Start with `overview`. `kpi_panels` has
tiles, counts, bands and lines, `scorecard` the one table of KPIs, teams and people, `members` its columns with notes
and links, and `kpi_charts` the charts of a single KPI.
"""

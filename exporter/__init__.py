"""KPI Exporter: business metrics and KPI target ratios for Prometheus."""

__version__ = "0.1.0"

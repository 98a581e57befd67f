"""Series of Prometheus itself: the only ones our queries use that naming does not know."""

from __future__ import annotations

from exporter.naming import Family

ALERTS = Family(
    "ALERTS",
    "1 for each alert that Prometheus holds pending or firing.",
    ("alertname", "alertstate", "severity", "kpi", "owner", "department", "source"),
)
SCRAPE_DURATION = Family("scrape_duration_seconds", "Duration of the last scrape.", ("job", "instance"))
RULE_FAILURES = Family(
    "prometheus_rule_evaluation_failures_total", "Rule evaluations that failed.", ("rule_group",), "counter"
)
SAMPLES_DUPLICATE = Family(
    "prometheus_target_scrapes_sample_duplicate_timestamp_total", "Samples dropped as duplicates.", (), "counter"
)
SAMPLES_OUT_OF_BOUNDS = Family(
    "prometheus_target_scrapes_sample_out_of_bounds_total", "Samples dropped for their time.", (), "counter"
)

ALL = (ALERTS, SCRAPE_DURATION, RULE_FAILURES, SAMPLES_DUPLICATE, SAMPLES_OUT_OF_BOUNDS)

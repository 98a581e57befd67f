"""Names, labels and help texts of every exposed series, defined nowhere else.

The exporter exposes these families and the dashboards query them, so that the two cannot diverge.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from exporter.config import units
from exporter.config.fields import Scope
from exporter.config.metrics import Metric
from exporter.config.root import Config

_CACHED = "Cached between syncs; its age is kpi_asof_timestamp_seconds."

_CACHED_METRIC = "Cached between syncs; ages are kpi_exporter_source_last_success_timestamp_seconds."

SCOPE_LABELS: dict[Scope, tuple[str, ...]] = {
    Scope.COMPANY: (),
    Scope.TEAM: ("team",),
    Scope.PERSON: ("team", "person"),
}
SCOPE_PREFIX: dict[Scope, str] = {Scope.COMPANY: "", Scope.TEAM: "team_", Scope.PERSON: "person_"}

RESERVED_LABELS = units.RESERVED_LABELS
label_name = units.label_name

OTHER = "__other__"
"""The label value that replaces all values beyond the first hundred."""


class SourceState(StrEnum):
    """The state of a source; one-hot in kpi_exporter_source_state."""

    STARTING = "starting"
    BACKFILL = "backfill"
    OK = "ok"
    DEGRADED = "degraded"
    RATE_LIMITED = "rate_limited"
    AUTH_FAILED = "auth_failed"
    SCHEMA_ERROR = "schema_error"
    DOWN = "down"
    PAUSED = "paused"


REQUEST_CLASSES = (
    "2xx", "3xx", "401", "403", "404", "429", "4xx", "5xx", "timeout", "connect", "tls", "protocol", "blocked",
)  # fmt: skip


class PushResult(StrEnum):
    """The response to a post; `result` of kpi_exporter_push_posts_total."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


RECORD_RESULTS = ("new", "updated", "unchanged", "deleted", "rejected")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family: its name, label names in order, type and help text."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: str = "gauge"


def metric_family(config: Config, metric: Metric, scope: Scope = Scope.COMPANY) -> Family:
    """The family of a business metric at a scope; levels have no label `period`."""
    unit = units.metric_unit(metric)
    period = () if metric.is_level else ("period",)
    by = tuple(label_name(column) for column in metric.by) if scope is Scope.COMPANY else ()
    span = "now" if metric.is_level else "from the period's start until the data's as-of time"
    return Family(
        name=f"{SCOPE_PREFIX[scope]}business_{units.with_unit(metric, config.company.currency)}",
        help=f"{metric.title} ({unit}), {span}. {_CACHED_METRIC}",
        labels=period + SCOPE_LABELS[scope] + by,
    )


def _kpi(name: str, meaning: str) -> Family:
    return Family(f"kpi_{name}", f"{meaning} {_CACHED}", ("kpi",))


VALUE = _kpi("value", "Value of the KPI in its own unit (see kpi_info), period to date.")
TARGET = _kpi("target", "Target for the whole period in the KPI's own unit; for a range its middle.")
TARGET_LOW = _kpi("target_low", "Lower end of a target range in the KPI's own unit.")
TARGET_HIGH = _kpi("target_high", "Upper end of a target range in the KPI's own unit.")
TARGET_RATIO = _kpi(
    "target_ratio", "Value against the whole target: 1 is on target, above is better whatever the direction."
)
EXPECTED = _kpi("expected", "What the KPI should have reached by now to be on pace, in its own unit.")
PACE_RATIO = _kpi("pace_ratio", "Value against what is expected by now: 1 is on pace, above is better.")
PROGRESS_RATIO = _kpi("progress_ratio", "Share of the way from baseline to goal, 0 at the baseline and 1 at the goal.")
PREVIOUS_VALUE = _kpi(
    "previous_value", "Final value of the period before, in the KPI's own unit; once sealed, as history.restate says."
)
RESTATED_VALUE = Family(
    "kpi_restated_value",
    "Value of a sealed period as the records say now, in the KPI's own unit; only the newest periods that were restated"
    " since they were sealed.",
    ("kpi", "period"),
)
STATUS = Family("kpi_status", f"1 for the status the KPI has, 0 for the others. {_CACHED}", ("kpi", "status"))
INFO = Family(
    "kpi_info",
    "What the KPI is; always 1. The label guard names the KPI that keeps it at risk while it is off track itself.",
    ("kpi", "title", "unit", "period", "better", "objective", "department", "owner", "guard"),
)
PERIOD_START = Family("kpi_period_start_timestamp_seconds", "Start of the KPI's current period.", ("kpi",))
PERIOD_END = Family("kpi_period_end_timestamp_seconds", "End of the KPI's current period.", ("kpi",))
PERIOD_ELAPSED = Family("kpi_period_elapsed_ratio", "Share of the period that has passed, by the KPI's pace.", ("kpi",))
PERIOD_LEFT = Family(
    "kpi_period_left",
    "What is left of the KPI's period, as the label unit says: workdays, days, opening hours or hours.",
    ("kpi", "unit"),
)
TIME_UNITS = ("workdays", "days", "opening hours", "hours")
"""Values of `unit` of kpi_period_left."""
ASOF = Family("kpi_asof_timestamp_seconds", "Instant up to which the KPI's data is known to be complete.", ("kpi",))
COVERAGE = Family(
    "kpi_coverage_ratio",
    "Share of records that the value rests on; rejected ones and those without a time or exchange rate lower it.",
    ("kpi",),
)
REVIEW_DUE = Family("kpi_review_due_timestamp_seconds", "When the KPI's definition is due for review.", ("kpi",))
OBJECTIVE_SCORE = Family(
    "objective_score_ratio",
    f"Weighted score of the objective's KPIs, each capped at 1. {_CACHED}",
    ("objective",),
)

TARGET_MISSED = Family(
    "kpi_target_missed_periods", "Final periods in a row that missed the target which is in force, up to now.", ("kpi",)
)
TARGET_EXCEEDED = Family(
    "kpi_target_exceeded_periods", "Final periods in a row that exceeded the target which is in force.", ("kpi",)
)
BURN_RATE = Family(
    "kpi_burn_rate",
    "How fast the KPI spent its slack in its last opening hours: at 1 the slack lasts exactly for the period.",
    ("kpi", "window"),
)
BURN_LIMIT = Family(
    "kpi_burn_rate_limit", "The burn rate beyond which the KPI's contacts are notified.", ("kpi", "window")
)
DRIVER_VALUE = Family(
    "driver_value", "What a metric with an expected range amounted to in its last finished period, or now.", ("metric",)
)
DRIVER_LOW = Family("driver_expected_min", "Lowest value that is expected of the metric.", ("metric",))
DRIVER_HIGH = Family("driver_expected_max", "Highest value that is expected of the metric.", ("metric",))

SIGNAL_FAMILIES = (
    TARGET_MISSED, TARGET_EXCEEDED, BURN_RATE, BURN_LIMIT, DRIVER_VALUE, DRIVER_LOW, DRIVER_HIGH,
)  # fmt: skip
"""Families that only alerts need; those of the company."""

PERSON_EMAIL = Family(
    "person_email_info",
    "Where alerts about the person are sent; always 1. Only for people with a value of a KPI that notifies persons.",
    ("person", "email"),
)

COMPANY_FAMILIES = (
    VALUE, TARGET, TARGET_LOW, TARGET_HIGH, TARGET_RATIO, EXPECTED, PACE_RATIO, PROGRESS_RATIO, PREVIOUS_VALUE,
    RESTATED_VALUE, STATUS, INFO, PERIOD_START, PERIOD_END, PERIOD_ELAPSED, PERIOD_LEFT, ASOF, COVERAGE,
    REVIEW_DUE, OBJECTIVE_SCORE,
)  # fmt: skip

SCOPED = (VALUE, TARGET, TARGET_RATIO, PACE_RATIO, STATUS)
"""Families that also exist per team and per person."""


def scoped(family: Family, scope: Scope) -> Family:
    """A KPI family at a scope: kpi_value becomes team_kpi_value with `team`, or person_kpi_value with both labels."""
    if scope is Scope.COMPANY:
        return family
    first, *rest = family.labels
    return Family(SCOPE_PREFIX[scope] + family.name, family.help, (first, *SCOPE_LABELS[scope], *rest), family.type)


def _own(name: str, meaning: str, labels: tuple[str, ...] = (), kind: str = "gauge") -> Family:
    return Family(f"kpi_exporter_{name}", meaning, labels, kind)


SOURCE_UP = _own("source_up", "1 if the source's last pass over every entity succeeded.", ("source",))
SOURCE_STATE = _own("source_state", "1 for the state the source is in, 0 for the others.", ("source", "state"))
LAST_SUCCESS = _own(
    "source_last_success_timestamp_seconds",
    "When a pass over the entity last completed.",
    ("source", "entity"),
)
LAST_FULL = _own(
    "source_last_full_timestamp_seconds",
    "When everything was last read: at first, at each reconcile, and when changes can no longer be asked for.",
    ("source", "entity"),
)
WATERMARK = _own(
    "source_watermark_timestamp_seconds",
    "Instant up to which the entity is known to be complete.",
    ("source", "entity"),
)
NEXT_ATTEMPT = _own("source_next_attempt_timestamp_seconds", "When the entity is read next.", ("source", "entity"))
FAILURES = _own("source_consecutive_failures", "Passes over the entity that failed in a row.", ("source", "entity"))
CLOCK_SKEW = _own("source_clock_skew_seconds", "The source's clock minus ours.", ("source",))
CAPPED = _own(
    "source_capped", "1 if the last pass hit a cap of the vendor and was not published.", ("source", "entity")
)
REQUESTS = _own(
    "source_requests_total", "HTTP requests to the source by class of answer.", ("source", "class"), "counter"
)
ERRORS = _own("source_errors_total", "Failed passes by reason.", ("source", "entity", "reason"), "counter")
RECORDS = _own(
    "records_total",
    "Records read or posted, by what the store did with them.",
    ("source", "entity", "result"),
    "counter",
)
REJECTED = _own("records_rejected_total", "Records not taken, by reason.", ("source", "entity", "reason"), "counter")
UNDATED = _own(
    "records_undated",
    "Records whose time column is empty: they are in no period and no level.",
    ("entity", "column"),
)
REMOVED_RECORDS = _own(
    "removed_source_records",
    "Records of a push source that the config no longer has: they are kept and count nowhere.",
    ("removed_source", "entity"),
)
SYNC_DURATION = _own("sync_duration_seconds", "Duration of the last pass.", ("source", "entity"))
KPI_UP = _own("kpi_up", "1 if the KPI is exported, 0 if it is withheld because its data is stale.", ("kpi",))
LABEL_OVERFLOW = _own(
    "metric_label_overflow",
    "Label values folded into __other__ because there are too many.",
    ("metric", "label"),
)
EVALUATION_SUCCESS = _own("evaluation_success", "1 if the last evaluation of all metrics and KPIs succeeded.")
EVALUATION_FAILED = _own("evaluation_failed", "1 for a metric or KPI whose last evaluation failed.", ("name",))
EVALUATION_DURATION = _own("evaluation_duration_seconds", "Duration of the last evaluation.")
EVALUATION_TIME = _own("evaluation_timestamp_seconds", "When metrics and KPIs were last evaluated.")
SERIES = _own("series", "Series in the snapshot that scrapes are served from.")
SERIES_DROPPED = _own(
    "series_dropped",
    "Series left out of the snapshot: duplicate, not_finite or over_limit.",
    ("family", "reason"),
)
STORE_UP = _own("store_up", "1 if the store can be read and written.")
STORE_ERRORS = _own("store_errors_total", "Failed store operations.", ("op", "reason"), "counter")
STORE_REBUILDS = _own("store_rebuilds_total", "Times a damaged store was moved aside and rebuilt.", (), "counter")
STORE_REBUILDS_UNACCEPTED = _own(
    "store_rebuilds_unaccepted",
    "Rebuilds after damage whose loss nobody has accepted: KPIs that rest on pushed records are withheld.",
)
BACKUP_SUCCESS = _own(
    "backup_last_success_timestamp_seconds", "When the newest scheduled backup was taken; absent before the first."
)
BACKUP_FAILURE = _own(
    "backup_last_failure_timestamp_seconds", "When a scheduled backup last failed; absent if none has."
)
BACKUP_OVERDUE = _own(
    "backup_overdue_timestamp_seconds",
    "When the newest scheduled backup is two intervals old; absent if no backups are scheduled.",
)
RELOAD_SUCCESS = _own("config_last_reload_successful", "1 if the last load of the config succeeded.")
RELOAD_TIME = _own("config_last_reload_success_timestamp_seconds", "When the config was last loaded.")
WEB_RELOAD_SUCCESS = _own(
    "web_config_last_reload_successful", "1 if the last load of the web config and its certificates succeeded."
)
PUSH_TOKEN_USABLE = _own(
    "push_token_usable",
    "1 if the token of the push source can be used, 0 if its file is missing, empty or too short: its posts get 503.",
    ("source",),
)
PUSH_POSTS = _own("push_posts_total", "Posts to the source by how they were answered.", ("source", "result"), "counter")
HTTP_REJECTED = _own("http_rejected_total", "Requests to the exporter that were refused.", ("reason",), "counter")
CLOCK_JUMPS = _own("clock_jumps_total", "Jumps of the wall clock by more than a minute.", (), "counter")
LOG_LINES_DROPPED = _own(
    "log_lines_dropped_total", "Log lines that nobody took in time, so that nothing waits for them.", (), "counter"
)
BUILD_INFO = _own("build_info", "Version of the exporter and of Python; always 1.", ("version", "python"))

OWN_FAMILIES = (
    SOURCE_UP, SOURCE_STATE, LAST_SUCCESS, LAST_FULL, WATERMARK, NEXT_ATTEMPT, FAILURES, CLOCK_SKEW, CAPPED, REQUESTS,
    ERRORS, RECORDS, REJECTED, UNDATED, REMOVED_RECORDS,
    SYNC_DURATION, KPI_UP, LABEL_OVERFLOW, EVALUATION_SUCCESS, EVALUATION_FAILED,
    EVALUATION_DURATION, EVALUATION_TIME, SERIES, SERIES_DROPPED, STORE_UP, STORE_ERRORS, STORE_REBUILDS,
    STORE_REBUILDS_UNACCEPTED, BACKUP_SUCCESS, BACKUP_FAILURE, BACKUP_OVERDUE,
    RELOAD_SUCCESS, RELOAD_TIME, WEB_RELOAD_SUCCESS, PUSH_TOKEN_USABLE, PUSH_POSTS, HTTP_REJECTED, CLOCK_JUMPS,
    LOG_LINES_DROPPED, BUILD_INFO,
)  # fmt: skip

"""Commands as they are typed: what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter import __version__, cli
from exporter.commands import demo, exits
from exporter.commands.values import instant
from exporter.config.root import Config
from exporter.config.schema import schema
from exporter.demo.server import Running
from exporter.errors import ConfigError, EvaluationError, Problem, Reason, SourceRejectedError, StartError, StoreError
from exporter.exposition.ledger import Ledger
from exporter.exposition.server import Exposed, bind
from exporter.store.store import Store
from tests import small_company
from tests.command_line import Typed
from tests.exposition.serving import running

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.fixture
def company(tmp_path: Path) -> Path:
    return small_company.write(tmp_path / "company")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_help_names_every_command_and_each_has_its_own(typed: Typed) -> None:
    said = typed("--help")
    assert said.code == 0
    for command in ("serve", "sync", "values", "check", "schema", "demo", "ping"):
        assert command in said.out
        assert typed(command, "--help").code == 0
    assert typed("--version").out == f"kpi-exporter {__version__}\n"


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--port", "1"], ["values", "--scope", "planet"], ["ping"]])
def test_a_slip_of_the_finger_ends_with_2_and_a_hint(typed: Typed, words: list[str]) -> None:
    done = typed(*words)
    assert done.code == 2
    assert "Usage" in done.err
    assert "Traceback" not in done.err


def test_a_good_config_is_counted(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company)
    assert done.code == 0
    assert "2 sources, 2 metrics, 1 KPI, 1 objective" in done.out
    assert "warning: " in done.out


def test_practice_counts_where_it_is_asked_for(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company, "--strict")
    assert done.code == 2
    assert "no decision is named" in done.out
    assert "taken as errors" in done.out


def test_every_problem_of_a_config_is_told_with_its_line(typed: Typed, company: Path) -> None:
    text = small_company.CONFIG.replace("better: higher", "better: louder").replace("value: revenue", "value: revenues")
    company.write_text(text + "    colour: red\n")
    done = typed("check", "--config", company)
    assert done.code == 2
    assert len(re.findall(r"^error: .*kpis\.yaml:\d+: kpis\[0\]", done.out, re.MULTILINE)) == 3
    assert "3 problems" in done.out


def test_commands_that_need_a_config_refuse_a_bad_one(typed: Typed, company: Path, data: Path) -> None:
    company.write_text("company: [")
    for words in (["serve"], ["sync", "--once"], ["values"]):
        done = typed(*words, "--config", company, "--data-dir", data)
        assert done.code == 2
        assert done.err.startswith("error: ")
        assert "kpis.yaml:1" in done.err
    assert not data.exists()


def test_sources_can_be_tried(typed: Typed, company: Path) -> None:
    done = typed("check", "--config", company, "--sources")
    assert done.code == 0
    assert re.search(r"crm\W+deals\W+yes", done.out)


def test_a_source_that_refuses_is_told(typed: Typed, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporter.sources.csv import CsvSource

    async def refused(_: CsvSource) -> Any:
        raise SourceRejectedError(Reason.UNAUTHORIZED, "the token is not accepted")

    monkeypatch.setattr(CsvSource, "check", refused)
    done = typed("check", "--config", company, "--sources")
    assert done.code == 4
    assert "unauthorized: the token is not accepted" in " ".join(done.out.split())


def test_a_source_that_never_answers_is_told(typed: Typed, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from exporter.commands import check
    from exporter.sources.csv import CsvSource

    monkeypatch.setattr(check, "ACCESS_DEADLINE", 0.01)
    monkeypatch.setattr(CsvSource, "check", lambda _: asyncio.sleep(5))
    done = typed("check", "--config", company, "--sources")
    assert done.code == 4
    assert "no answer" in done.out


def test_the_schema_is_one(typed: Typed) -> None:
    printed = json.loads(typed("schema").out)
    Draft202012Validator.check_schema(printed)
    assert printed == schema()


def test_one_pass_says_what_it_did(typed: Typed, company: Path, data: Path) -> None:
    done = typed("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 0
    assert re.search(r"crm +.*deals +.*done +.*2", done.out)
    again = json.loads(typed("sync", "--once", "-c", company, "-d", data, "--format", "json").out)
    assert again["success"] is True
    assert {p["source"] for p in again["passes"]} == {"crm", "hr"}


def test_a_source_that_fails_ends_one_pass_with_4(typed: Typed, company: Path, data: Path) -> None:
    rows = "\n".join(f"{n},ada,won,much,never,then" for n in range(30))
    (company.parent / "deals.csv").write_text(f"id,owner,status,amount,closed,created\n{rows}\n")
    done = typed("sync", "--once", "--config", company, "--data-dir", data)
    assert done.code == 4
    assert "too_many_rejected" in done.out
    assert "deals of crm" in done.err
    known = typed("values", "--config", company, "--data-dir", data)
    assert known.code == 4
    assert "no data" in known.out


def test_sync_goes_on_only_as_serve(typed: Typed, company: Path) -> None:
    done = typed("sync", "--config", company)
    assert done.code == 2
    assert "kpi-exporter serve" in done.err


def test_values_read_what_was_never_read(typed: Typed, company: Path, data: Path) -> None:
    before = typed("values", "-c", company, "-d", data, "--no-sync")
    assert before.code == 0
    assert "no data" in before.out
    done = typed("values", "-c", company, "-d", data)
    assert done.code == 0
    assert re.search(r"Revenue this year +company +\d{4}-01-01 +CHF 700\.00 +CHF 1,000 +0\.70", done.out)


def test_values_as_json_have_their_shape(typed: Typed, company: Path, data: Path) -> None:
    found = json.loads(typed("values", "-c", company, "-d", data, "--scope", "all", "--format", "json").out)
    assert list(found) == ["at", "kpis", "metrics"]
    assert re.search(r"[+-]\d\d:\d\d$", found["at"])
    whose = [(k["scope"], k["team"], k["person"], k["value"]) for k in found["kpis"]]
    assert whose == [
        ("company", None, None, 700),
        ("team", "North", None, 700),
        ("person", "North", "Ada Lovelace", 700),
    ]
    assert list(found["kpis"][0]) == [
        "kpi", "scope", "team", "person", "period_start", "period_end", "value", "target", "target_ratio", "expected",
        "pace_ratio", "progress_ratio", "status",
    ]  # fmt: skip
    assert found["kpis"][0]["progress_ratio"] is None
    revenue = [m for m in found["metrics"] if m["metric"] == "revenue" and m["scope"] == "company"]
    assert {m["period"]: m["value"] for m in revenue}["year"] == 700
    assert list(revenue[0]) == ["metric", "scope", "team", "person", "period", "labels", "value"]


def test_values_of_the_past_are_as_of_then(typed: Typed, company: Path, data: Path) -> None:
    words = ["values", "-c", company, "-d", data, "--format", "json", "--at", "2020-06-01T12:00"]
    found = json.loads(typed(*words).out)
    assert found["at"] == "2020-06-01T12:00:00+02:00"
    assert found["kpis"][0]["period_start"] == "2020-01-01T00:00:00+01:00"
    assert found["kpis"][0]["value"] == 0


def test_values_as_openmetrics_can_be_read(typed: Typed, company: Path, data: Path) -> None:
    text = typed("values", "-c", company, "-d", data, "--format", "openmetrics").out
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["kpi_value"].samples[0].value == 700


@pytest.mark.parametrize("at", ["yesterday", "2020-13-01", "12:00", "0001-01-01", "9999-12-31T23:59"])
def test_an_instant_that_is_none_is_refused(typed: Typed, company: Path, data: Path, at: str) -> None:
    done = typed("values", "-c", company, "-d", data, "--at", at)
    assert done.code == 2
    assert "--at" in done.err


def test_an_instant_without_an_offset_is_the_companys() -> None:
    zone = ZoneInfo("America/New_York")
    given = instant("2025-07-01T12:00", zone)
    assert given is not None
    assert given.isoformat() == "2025-07-01T12:00:00-04:00"
    offset = instant("2025-07-01T12:00Z", zone)
    assert offset is not None
    assert offset.isoformat() == "2025-07-01T12:00:00+00:00"
    assert instant(None, zone) is None


def test_what_cannot_be_evaluated_is_named(
    typed: Typed, company: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporter.metrics import evaluate

    monkeypatch.setattr(
        evaluate, "fault", lambda shape, pinned, _: "a fault" if pinned.metric.name == "revenue" else None
    )
    done = typed("values", "-c", company, "-d", data)
    assert "warning: yearly_revenue could not be evaluated" in done.err
    assert "warning: revenue could not be evaluated" in done.err


def test_a_store_in_use_ends_with_3(typed: Typed, company: Path, data: Path) -> None:
    store = Store.open(data)
    try:
        for words in (["values"], ["sync", "--once"], ["serve", "--listen", "127.0.0.1:0"]):
            done = typed(*words, "-c", company, "-d", data)
            assert done.code == 3
            assert done.err.startswith(f"error: {data}")
    finally:
        store.close()


def test_a_taken_port_ends_with_1(typed: Typed, company: Path, data: Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        words = ["serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        plain, structured = typed(*words), typed(*words, "--log-format", "json")
    assert plain.code == structured.code == 1
    assert plain.err.startswith("error: cannot listen")
    (line,) = structured.err.splitlines()
    assert json.loads(line)["level"] == "critical"
    assert "cannot listen" in json.loads(line)["message"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":9940", "example.com:80"])
def test_an_address_others_can_reach_must_be_wanted(typed: Typed, company: Path, address: str) -> None:
    done = typed("serve", "-c", company, "--listen", address)
    assert done.code == 2
    assert "--web-insecure" in done.err


def test_an_address_that_is_none_is_refused(typed: Typed, company: Path) -> None:
    done = typed("serve", "-c", company, "--listen", "9940")
    assert done.code == 2
    assert "HOST:PORT" in " ".join(done.err.split())


def test_serve_serves_until_it_is_told_to_stop(typed: Typed, company: Path, data: Path) -> None:
    import signal
    import time
    from urllib.request import urlopen

    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    seen: list[bytes] = []

    def act() -> None:
        deadline = time.monotonic() + 30
        while not seen and time.monotonic() < deadline:
            try:
                with urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=5) as answer:
                    seen.append(answer.read())
            except OSError:
                time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=act).start()
    done = typed("serve", "-c", company, "-d", data, "--listen", f"127.0.0.1:{port}", "--watch-config")
    assert (done.code, seen) == (0, [b"healthy\n"])
    assert f"serving http://127.0.0.1:{port}/metrics" in done.err


def test_ping_tells_by_its_exit_code(typed: Typed) -> None:
    with running(Exposed(Ledger())) as port:
        assert typed("ping", f"http://127.0.0.1:{port}/-/healthy").code == 0
        assert typed("ping", f"http://127.0.0.1:{port}/-/ready").code == 1
    silent = typed("ping", f"http://127.0.0.1:{port}/-/healthy")
    assert silent.code == 1
    assert "refused" in silent.err
    assert typed("ping", "file:///etc/passwd").code == 2


def test_other_packages_add_commands(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = typer.Typer()
    fresh.registered_commands = list(cli.app.registered_commands)
    fresh.registered_callback = cli.app.registered_callback
    monkeypatch.setattr(cli, "app", fresh)
    here = EntryPoint("here", "tests.test_cli:register", cli.PLUGINS)
    missing = EntryPoint("missing", "no_such_library.cli:register", cli.PLUGINS)
    monkeypatch.setattr(cli, "entry_points", lambda group: [missing, here] if group == cli.PLUGINS else [])
    assert typed("added").out == "added by a plug-in\n"


def register(app: typer.Typer) -> None:
    """What a plug-in does."""

    @app.command()
    def added() -> None:
        """Says so."""
        typer.echo("added by a plug-in")


def test_a_fault_of_ours_is_told_in_one_line_without_what_it_held(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise KeyError("s3cr3t")

    monkeypatch.setattr("exporter.commands.schema.run", broken)
    done = typed("schema")
    assert done.code == 1
    assert re.fullmatch(r"error: a fault of kpi-exporter itself: KeyError in cli\.py, line \d+\..*\n", done.err)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([Problem("f", 1, "", "m")]), 2),
        (StoreError("s"), 3),
        (SourceRejectedError(Reason.TLS, "t"), 4),
        (StartError("x"), 1),
        (EvaluationError("n", "m"), 1),
    ],
)
def test_every_expected_failure_has_its_exit_code(error: Any, code: int) -> None:
    assert exits.exit_code(error) == code
    assert len(exits.lines(error)) == 1


def test_the_demo_brings_its_company_its_companions_and_its_addresses(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(demo, "launch", lambda *_: Running("127.0.0.1", 9941, lambda: told.append("company ended")))
    here = EntryPoint("beside", "tests.test_cli:companion", demo.COMPANIONS)
    missing = EntryPoint("missing", "no_such_library:begin", demo.COMPANIONS)
    monkeypatch.setattr(demo, "entry_points", lambda group: [missing, here] if group == demo.COMPANIONS else [])

    class Brief:
        """An app that is ready and ends."""

        def __init__(self, settings: Any, *_: Any, **__: Any) -> None:
            told.append(str(settings.data_dir))

        def run(self, ready: Callable[[str], None]) -> None:
            ready("http://127.0.0.1:1")

    monkeypatch.setattr(demo, "App", Brief)
    done = typed("demo", "--data-dir", tmp_path / "kept")
    assert done.code == 0
    assert told == [str(tmp_path / "kept" / "store"), "company ended"]
    assert "http://127.0.0.1:1/metrics" in done.err
    assert re.search(r"dashboards +http://beside", done.err)
    assert typed("demo").code == 0
    assert not Path(told[2]).parent.exists()


@pytest.mark.parametrize(
    ("vendors", "told"),
    [
        ("hubspot,hubspto", r"there is no hubspto: choose from hubspot \(deals, leads, tickets\), aircall \(calls\)"),
        ("hubspot", "none of them carries calls, which the config measures: add aircall"),
    ],
)
def test_vendors_that_do_not_do_are_refused_before_anything_starts(typed: Typed, vendors: str, told: str) -> None:
    done = typed("demo", "--vendors", vendors)
    assert done.code == 2
    assert re.search(told, re.sub(r"[\s│]+", " ", done.err))


@contextmanager
def companion(config: Config, address: str, directory: Path, history: Any) -> Iterator[dict[str, str]]:
    """What runs beside the demo."""
    assert config.company.name == "Alpenwerk"
    assert callable(history)
    assert address.startswith("http://")
    assert directory.is_dir()
    yield {"dashboards": "http://beside"}


def test_only_the_companys_apis_can_be_asked_for(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(demo, "main", lambda *where: asked.append(where))
    assert typed("demo", "--apis-only", "--listen", "127.0.0.1:9").code == 0
    assert asked == [("127.0.0.1", 9)]


def test_the_demos_config_is_found_or_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert demo.demo_config().name == "kpis.yaml"
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(StartError, match=r"config/kpis\.yaml"):
        demo.demo_config()

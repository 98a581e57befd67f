"""The commands `generate` and `push-grafana`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.errors import ConfigError, Problem, StartError

if TYPE_CHECKING:
    from dashboards.defaults import Site
    from dashboards.deployment import Places
    from dashboards.push.plan import Change

DEFAULT_CONFIG = Path("config/kpis.yaml")
DEFAULT_OUT = Path("dashboards/generated")


class Platform(StrEnum):
    """What the files are for."""

    COMPOSE = "compose"
    KUBERNETES = "kubernetes"


ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="KPI_EXPORTER_CONFIG", help="The YAML file that says everything.")
]
SourceUidOption = Annotated[
    str, typer.Option("--datasource-uid", help="Uid of the Prometheus data source that holds the series.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the program."""
    app.command("generate")(generate)
    app.command("push-grafana")(push_grafana)


def generate(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.")] = DEFAULT_OUT,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show what is out of date and exit with 1.")
    ] = False,
    platform: Annotated[
        Platform, typer.Option("--for", help="A stack of its own, or a cluster with Prometheus' operator.")
    ] = Platform.COMPOSE,
    datasource_uid: SourceUidOption = "kpi-prometheus",
    exporter: Annotated[str, typer.Option(help="HOST:PORT where Prometheus scrapes.")] = "exporter:9940",
    alertmanager: Annotated[str, typer.Option(help="HOST:PORT of Alertmanager.")] = "alertmanager:9093",
    config_dir: Annotated[
        str, typer.Option(help="The config's folder as Alertmanager and Grafana see it, for secret files.")
    ] = "/app/config",
    dashboards_dir: Annotated[
        str, typer.Option(help="The folder of dashboards as Grafana sees it.")
    ] = "/etc/kpi/grafana/dashboards",
) -> None:
    """Write dashboards, alert rules and provisioning for Grafana, Prometheus and Alertmanager.

    Example: `kpi-exporter generate --config kpis.yaml --out generated`
    """
    _require_libraries()
    from dashboards.deployment import Places

    places = Places(exporter=exporter, alertmanager=alertmanager, config_dir=config_dir, dashboards_dir=dashboards_dir)
    _generate(_site(config, datasource_uid), places, out, platform, check=check)


def _generate(site: Site, places: Places, out: Path, platform: Platform, *, check: bool) -> None:
    from dashboards.generate import cluster_files, compose_files
    from dashboards.write import difference, earlier, require_same, write

    if platform is Platform.KUBERNETES:
        files = cluster_files(site, places)
    else:
        files = compose_files(site, places, earlier(out))
    if check:
        typer.echo(difference(out, files), nl=False)
        require_same(out, files)
        typer.echo(f"{out} is up to date")
        return
    try:
        written = write(out, files)
    except OSError as error:
        raise StartError(f"cannot write to {out}: {error.strerror}") from None
    counts = f"{len(written.new)} new, {len(written.changed)} changed, {len(written.removed)} removed"
    typer.echo(f"{len(files)} files in {out}: {counts}")


def push_grafana(  # typer makes an option of each parameter
    config: ConfigOption = DEFAULT_CONFIG,
    url: Annotated[str | None, typer.Option(help="Grafana's address; default: dashboards.url of the config.")] = None,
    token_env: Annotated[
        str, typer.Option(help="Environment variable that holds a service account's token.")
    ] = "GRAFANA_TOKEN",  # noqa: S107  # the name of a variable, no token
    token_file: Annotated[Path | None, typer.Option(help="File that holds the token instead.")] = None,
    datasource_uid: SourceUidOption = "kpi-prometheus",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; send nothing.")] = False,
) -> None:
    """Send dashboards, folders and alert rules to a Grafana that runs; remove what was sent once and is gone.

    Alert rules are sent where `alerting.engine` is grafana or both. Example:

    `kpi-exporter push-grafana --url https://grafana.example.com --dry-run`
    """
    _require_libraries()
    from dashboards.push.api import GrafanaApi
    from dashboards.push.plan import apply, plan

    site = _site(config, datasource_uid)
    token = _token(token_env, token_file)
    with GrafanaApi(url or site.config.dashboards.url, token) as api:
        changes = plan(api, site)
        for change in changes if dry_run else apply(api, changes):
            _tell(change, dry_run=dry_run)
    typer.echo(f"{len(changes)} changes{' would be made' if dry_run else ''}")


def _tell(change: Change, *, dry_run: bool) -> None:
    typer.echo(f"{change.action} {change.kind} {change.title} ({change.uid})")
    if dry_run and change.action == "update":
        typer.echo(change.difference(), nl=False)


def _token(variable: str, file: Path | None) -> str:
    from exporter.config.fields import Secret

    secret = Secret(file=file) if file is not None else Secret(env=variable)
    try:
        return secret.reveal(os.environ, Path())
    except LookupError as error:
        raise StartError(f"no token for Grafana: {error}") from None


def _site(config: Path, datasource_uid: str) -> Site:
    from dashboards.defaults import UID, Site
    from exporter.config.loader import load

    if not UID.fullmatch(datasource_uid):
        problem = Problem("--datasource-uid", 0, "", "not a uid", "1 to 40 of A-Z a-z 0-9 _ -")
        raise ConfigError([problem])
    loaded = load(config, os.environ)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return Site(loaded.config, datasource_uid)


def _require_libraries() -> None:
    try:
        import grafanalib  # noqa: F401
    except ImportError:
        raise StartError("grafanalib is missing: pip install 'kpi-exporter[dashboards]'") from None

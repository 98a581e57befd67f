"""The commands `generate` and `push-grafana`."""

from __future__ import annotations

import os
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exporter.errors import ConfigError, Problem, StartError

if TYPE_CHECKING:
    from dashboards.site import Deployment, Site

DEFAULT_CONFIG = Path("config/kpis.yaml")
DEFAULT_OUT = Path("dashboards/generated")


class Platform(StrEnum):
    """What runs the generated files."""

    COMPOSE = "compose"
    KUBERNETES = "kubernetes"


ConfigFileOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="KPI_EXPORTER_CONFIG", help="The config file.")
]
DatasourceOption = Annotated[
    str, typer.Option("--datasource-uid", help="Uid of the Prometheus data source in Grafana that has the series.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the program."""
    app.command("generate")(generate)
    app.command("push-grafana")(push_grafana)


def generate(  # noqa: PLR0913, PLR0917  # typer makes an option of each parameter
    config: ConfigFileOption = DEFAULT_CONFIG,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder.")] = DEFAULT_OUT,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; show a diff and exit with 1 if files are out of date.")
    ] = False,
    platform: Annotated[
        Platform, typer.Option("--for", help="A self-contained stack, or a cluster with the Prometheus operator.")
    ] = Platform.COMPOSE,
    datasource_uid: DatasourceOption = "kpi-prometheus",
    exporter: Annotated[str, typer.Option(help="HOST:PORT that Prometheus scrapes.")] = "exporter:9940",
    alertmanager: Annotated[str, typer.Option(help="HOST:PORT of Alertmanager.")] = "alertmanager:9093",
    config_dir: Annotated[
        str, typer.Option(help="The config's folder as Alertmanager and Grafana see it, for secret files.")
    ] = "/app/config",
    dashboards_dir: Annotated[
        str, typer.Option(help="The folder of the dashboards as Grafana sees it.")
    ] = "/etc/kpi/grafana/dashboards",
) -> None:
    """Write dashboards, alert rules and provisioning files for Grafana, Prometheus and Alertmanager.

    Example: `kpi-exporter generate --config kpis.yaml --out generated`
    """
    _require_grafanalib()
    from dashboards.site import Deployment

    deployment = Deployment(
        exporter=exporter, alertmanager=alertmanager, config_dir=config_dir, dashboards_dir=dashboards_dir
    )
    _generate(_site(config, datasource_uid), deployment, out, platform, check=check)


def _generate(site: Site, deployment: Deployment, out: Path, platform: Platform, *, check: bool) -> None:
    from dashboards.generate import cluster_files, compose_files, write_generated
    from dashboards.output import diff_files, read_manifest, require_current

    if platform is Platform.KUBERNETES:
        files = cluster_files(site, deployment)
    else:
        files = compose_files(site, deployment, read_manifest(out))
    if check:
        typer.echo(diff_files(out, files), nl=False)
        require_current(out, files)
        typer.echo(f"{out} is up to date")
        return
    result = write_generated(out, files)
    counts = f"{len(result.new)} new, {len(result.changed)} changed, {len(result.removed)} removed"
    typer.echo(f"{len(files)} files in {out}: {counts}")


def push_grafana(  # typer makes an option of each parameter
    config: ConfigFileOption = DEFAULT_CONFIG,
    url: Annotated[
        str | None, typer.Option(help="Grafana's address. [default: dashboards.url of the config]", show_default=False)
    ] = None,
    token_env: Annotated[
        str, typer.Option(help="Environment variable with the token of a service account.")
    ] = "GRAFANA_TOKEN",  # noqa: S107  # the name of a variable, not a token
    token_file: Annotated[Path | None, typer.Option(help="File with the token, instead of the variable.")] = None,
    datasource_uid: DatasourceOption = "kpi-prometheus",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes without making them.")] = False,
) -> None:
    """Send dashboards, folders and alert rules to a running Grafana, and delete what is no longer generated.

    Sends alert rules only if `alerting.engine` is grafana or both. Example:

    `kpi-exporter push-grafana --url https://grafana.example.com --dry-run`
    """
    _require_grafanalib()
    from dashboards.push.api import GrafanaApi
    from dashboards.push.plan import apply, plan
    from exporter.config.fields import Secret

    site = _site(config, datasource_uid)
    secret = Secret(file=token_file) if token_file is not None else Secret(env=token_env)
    try:
        token = secret.reveal(os.environ, Path())
    except LookupError as error:
        raise StartError(f"no token for Grafana: {error}") from None
    with closing(GrafanaApi(url or site.config.dashboards.url, token)) as api:
        changes = plan(api, site)
        for change in changes if dry_run else apply(api, changes):
            typer.echo(f"{change.action} {change.kind} {change.title} ({change.uid})")
            if dry_run and change.action == "update":
                typer.echo(change.difference(), nl=False)
    typer.echo(f"{len(changes)} changes{' would be made' if dry_run else ''}")


def _site(config: Path, datasource_uid: str) -> Site:
    from dashboards.site import UID, Site
    from exporter.config.loader import load

    if not UID.fullmatch(datasource_uid):
        problem = Problem("--datasource-uid", 0, "", "not a uid", "1 to 40 of A-Z a-z 0-9 _ -")
        raise ConfigError([problem])
    loaded = load(config, os.environ)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return Site(loaded.config, datasource_uid)


def _require_grafanalib() -> None:
    try:
        import grafanalib  # noqa: F401
    except ImportError:
        raise StartError("grafanalib is missing: pip install 'kpi-exporter[dashboards]'") from None

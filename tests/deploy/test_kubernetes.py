"""The Kustomize base builds, is valid for Kubernetes, and gives the exporter no more than it needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command_line import RunCli
from tests.programs import program, skip

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy/kubernetes"
VERSIONS = ("1.28.0", "1.37.0")
"""The oldest and the newest Kubernetes that the manifests are checked for."""

Json = dict[str, Any]


def tool(name: str) -> Path:
    """A program that `make programs` builds into the environment."""
    return program(name, str(Path(sys.prefix) / "bin" / name))


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with a secret in it."""
    root = tmp_path_factory.mktemp("deploy") / "kubernetes"
    shutil.copytree(DEPLOY, root)
    (root / "example/secrets").mkdir(exist_ok=True)
    (root / "example/secrets/till_token").write_text("0123456789abcdef0123456789abcdef")
    return root / "example"


@pytest.fixture(scope="module")
def manifests(overlay: Path) -> list[Json]:
    """What `kustomize build` makes of it."""
    done = subprocess.run([tool("kustomize"), "build", overlay], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def named(manifests: list[Json], kind: str) -> Json:
    """The only object of a kind."""
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory, manifests: list[Json]) -> Path:
    """A folder for each version of Kubernetes, with the schema of each kind that the manifests have."""
    wheel = next((Path(sys.prefix) / "schemas").glob("kubernetes_validate-*.whl"), None)
    if wheel is None:
        skip("the schemas of Kubernetes are missing: run make test once")
    folder = tmp_path_factory.mktemp("schemas")
    with zipfile.ZipFile(wheel) as archive:
        for version in VERSIONS:
            (folder / version).mkdir()
            for name, schema in self_contained(archive, version, {schema_name(manifest) for manifest in manifests}):
                (folder / version / name).write_text(json.dumps(schema))
    return folder


def schema_name(manifest: Json) -> str:
    """The file that has the schema of an object."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    return "-".join(filter(None, (manifest["kind"].lower(), group.partition(".")[0], version))) + ".json"


def self_contained(archive: zipfile.ZipFile, version: str, names: set[str]) -> Iterator[tuple[str, Json]]:
    """Schemas of the wheel, each with the definitions that it refers to in it, as kubeconform needs them."""
    root, shared = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict", "/api/_definitions.json#"

    def read(name: str) -> Json:
        schema: Json = json.loads(archive.read(f"{root}/{name}").decode().replace(shared, "#"))
        return schema

    definitions = read("_definitions.json")["$defs"]
    for name in names:
        yield name, {key: value for key, value in read(name).items() if key != "$id"} | {"$defs": definitions}


def kubeconform(folder: Path, schemas: Path) -> subprocess.CompletedProcess[str]:
    """Checks the manifests in a folder; keys that a schema does not have are errors."""
    location = schemas / "{{.ResourceKind}}{{.KindSuffix}}.json"
    command = [tool("kubeconform"), "-strict", "-output=json", "-summary", f"-schema-location={location}", folder]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubeconform_finds_nothing_wrong(manifests: list[Json], schemas: Path, version: str, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(manifests))
    done = kubeconform(tmp_path, schemas / version)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["summary"] == {"valid": len(manifests), "invalid": 0, "errors": 0, "skipped": 0}


def test_kubeconform_finds_a_misspelt_key(manifests: list[Json], schemas: Path, tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(named(manifests, "StatefulSet")))
    wrong["spec"]["replica"] = wrong["spec"].pop("replicas")
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong))
    done = kubeconform(tmp_path, schemas / VERSIONS[0])
    assert done.returncode == 1
    assert "replica" in done.stdout


def test_one_replica_keeps_its_data_and_has_a_second_to_stop(manifests: list[Json]) -> None:
    spec = named(manifests, "StatefulSet")["spec"]
    assert spec["replicas"] == 1
    (claim,) = spec["volumeClaimTemplates"]
    (container,) = spec["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    directory = next(argument.partition("=")[2] for argument in container["args"] if "--data-dir" in argument)
    assert directory.startswith(mounts[claim["metadata"]["name"]] + "/"), "never the root of the volume"
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 10


def test_the_container_has_the_restricted_profile_and_nothing_of_the_cluster(manifests: list[Json]) -> None:
    pod = named(manifests, "StatefulSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert "memory" in container["resources"]["limits"]
    labels = named(manifests, "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_probes_ask_the_exporter_itself_and_liveness_does_not_depend_on_sources(manifests: list[Json]) -> None:
    (container,) = named(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    commands = {name: container[f"{name}Probe"]["exec"]["command"] for name in ("startup", "liveness", "readiness")}
    assert {tuple(command[:2]) for command in commands.values()} == {("kpi-exporter", "ping")}
    assert commands["liveness"][2] == commands["startup"][2] == "http://127.0.0.1:9940/-/healthy"
    assert commands["readiness"][2] == "http://127.0.0.1:9940/-/ready"


def test_only_prometheus_reaches_it_and_it_does_not_reach_the_metadata_service(manifests: list[Json]) -> None:
    spec = named(manifests, "NetworkPolicy")["spec"]
    (rule,) = spec["ingress"]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [{"app.kubernetes.io/name": "prometheus"}]
    blocks = [peer["ipBlock"] for rule in spec["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert "169.254.0.0/16" in blocks[0]["except"]
    selected = named(manifests, "StatefulSet")["spec"]["selector"]["matchLabels"]
    assert spec["podSelector"]["matchLabels"] == selected == named(manifests, "Service")["spec"]["selector"]
    assert named(manifests, "StatefulSet")["spec"]["template"]["metadata"]["labels"] == selected


def test_a_changed_config_or_secret_gets_a_new_name_that_the_exporter_mounts(manifests: list[Json]) -> None:
    volumes = named(manifests, "StatefulSet")["spec"]["template"]["spec"]["volumes"]
    config, secret = named(manifests, "ConfigMap")["metadata"], named(manifests, "Secret")["metadata"]
    assert config["name"].startswith("kpi-config-")
    assert [volume["configMap"]["name"] for volume in volumes if "configMap" in volume] == [config["name"]]
    assert [volume["secret"]["secretName"] for volume in volumes if "secret" in volume] == [secret["name"]]


def test_the_scrape_limits_are_those_of_the_generated_prometheus() -> None:
    monitor = yaml.safe_load((DEPLOY / "servicemonitor/servicemonitor.yaml").read_text())["spec"]
    job = yaml.safe_load((ROOT / "dashboards/generated/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    assert monitor["sampleLimit"] == job["sample_limit"]
    assert monitor["labelValueLengthLimit"] == job["label_value_length_limit"]


def test_the_arguments_and_the_config_are_valid(manifests: list[Json], overlay: Path, run_cli: RunCli) -> None:
    (container,) = named(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    options = [argument.partition("=")[0] for argument in container["args"][1:]]
    usage = run_cli(container["args"][0], "--help").out
    assert [option for option in options if option not in usage] == []
    mounted = overlay.parent / "app"
    (mounted / "config").mkdir(parents=True)
    shutil.copytree(overlay / "secrets", mounted / "secrets/sources")
    shutil.copy(overlay / "kpis.yaml", mounted / "config")
    (mounted / "secrets/sources/till_token").chmod(0o440)
    done = run_cli("check", "--config", mounted / "config/kpis.yaml")
    assert done.code == 0, done.err + done.out

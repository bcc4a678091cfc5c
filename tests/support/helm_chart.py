"""The Helm chart, rendered."""

import copy
import functools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "gradient-interference"
_RENDERER = ROOT / "tests" / "deploy" / "helm_renderer"
_LIBRARIES = Path("/usr/share/gocode/src/github.com/Masterminds/sprig")
_PACKAGES = "golang-go golang-github-masterminds-sprig-dev golang-k8s-sigs-yaml-dev"

Values = dict[str, Any]
Manifest = dict[str, Any]

_POSTGRESQL = {
    "url": "postgresql://interference@database.example:6432/interference?sslmode=verify-full",
    "passwordSecret": {"name": "database"},
    "migrationJob": True,
}
CASES: dict[str, Values] = {
    "as it comes": {},
    "everything": {
        "replicas": 2,
        "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
        "database": _POSTGRESQL,
        "persistence": {"accessMode": "ReadWriteMany", "storageClass": "shared"},
        "stores": {
            "rows": {"claim": "rows"},
            "models": {
                "kind": "s3",
                "bucket": "released",
                "credentials": {
                    "source": "files",
                    "access_key": "/etc/interference/credentials/bucket/access",
                    "secret_key": "/etc/interference/credentials/bucket/secret",
                },
            },
        },
        "credentialSecrets": ["bucket"],
        "tls": {"clientCertificates": True},
        "settings": {
            "INTERFERENCE_COMPUTE__BATCH_ROWS": 256,
            "INTERFERENCE_ALLOW_CHECKPOINTS": True,
            "INTERFERENCE_ARCHITECTURES": ["mlp"],
        },
        "extraEnv": [{"name": "OTEL_SERVICE_NAME", "value": "interference"}],
        "podAnnotations": {"note": "one"},
        "podLabels": {"team": "ml"},
        "nodeSelector": {"pool": "services"},
        "priorityClassName": "important",
        "ray": {
            "autoscaling": {"enabled": True},
            "podAnnotations": {"note": "two"},
            "workers": {"gpu": {"enabled": True, "runtimeClassName": "nvidia"}},
        },
        "networkPolicy": {
            "database": [{"ipBlock": {"cidr": "10.1.2.3/32"}}],
            "outside": {
                "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}],
            },
            "kubernetesApi": {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
        },
        "monitoring": {
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "rayPodMonitor": {"enabled": True},
            "prometheusRule": {"enabled": True, "runbookBase": "https://runbooks.example"},
            "dashboards": {"enabled": True},
        },
    },
    "a cluster that is there": {
        "ray": {
            "mode": "external",
            "address": "head.example:6379",
            "tokenSecret": "",
            "peers": [{"ipBlock": {"cidr": "10.2.0.0/16"}}],
        },
    },
    "all in one pod": {
        "ray": {"mode": "local"},
        "access": {"allowAnonymous": True},
        "tls": {"allowPlaintext": True},
        "networkPolicy": {"enabled": False},
    },
}
"""Values that the chart is rendered with, by what is special in them."""


class Refused(Exception):
    """The chart does not go with the values; says why."""


def values(changes: Values) -> Values:
    """The chart's values, with changes, as helm merges them."""
    return _merged(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")), changes)


def render(changes: Values) -> list[Manifest]:
    """The manifests of a release named `gi` in the namespace `ml`.

    Raises:
        Refused: The chart says that the values do not fit.
    """
    release = {"name": "gi", "namespace": "ml", "values": values(changes)}
    done = subprocess.run(
        [_renderer(), CHART],
        input=json.dumps(release),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise Refused(done.stderr)
    texts = json.loads(done.stdout)
    return [
        manifest
        for name, text in sorted(texts.items())
        if name.endswith(".yaml")
        for manifest in yaml.load_all(text, _Strict)
        if manifest is not None
    ]


@functools.cache
def case(name: str) -> list[Manifest]:
    """The manifests of one of the cases; not to be changed."""
    return render(CASES[name])


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Those of a kind."""
    return [each for each in manifests if each["kind"] == kind]


def only(manifests: list[Manifest], kind: str, ending: str = "") -> Manifest:
    """The one of a kind whose name has an ending."""
    [found] = [
        each for each in of_kind(manifests, kind) if each["metadata"]["name"].endswith(ending)
    ]
    return found


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Templates of pods, by the kind of what makes them and, for Ray, their group."""
    found = {}
    for each in manifests:
        match each["kind"]:
            case "Deployment" | "Job":
                found[each["kind"]] = each["spec"]["template"]
            case "RayCluster":
                found["head"] = each["spec"]["headGroupSpec"]["template"]
                for group in each["spec"]["workerGroupSpecs"]:
                    found[group["groupName"]] = group["template"]
    return found


def environment(manifests: list[Manifest]) -> dict[str, str]:
    """Variables of the service's container whose values stand in the manifests."""
    [container] = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(manifests, "ConfigMap")}
    variables: dict[str, str] = {}
    for source in container["envFrom"]:
        variables |= maps[source["configMapRef"]["name"]]
    return variables | {each["name"]: each["value"] for each in container["env"] if "value" in each}


def _merged(default: Any, change: Any) -> Any:
    if not isinstance(default, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    return default | {
        name: _merged(default[name], each) if name in default else each
        for name, each in change.items()
    }


@functools.cache
def _renderer() -> Path:
    if shutil.which("go") is None or not _LIBRARIES.is_dir():
        pytest.skip(f"charts are rendered by Go; apt-get install {_PACKAGES}")
    program = Path(tempfile.mkdtemp(prefix="helm-renderer-")) / "renderer"
    subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=_RENDERER,
        env=os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""},
        check=True,
        timeout=200,
    )
    return program


class _Strict(yaml.SafeLoader):
    """Refuses what YAML forbids and readers let pass: a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice} is there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)

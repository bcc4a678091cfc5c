"""Every manifest of the Helm chart fits what Kubernetes and the operators define."""

import copy
import json
import subprocess

import jsonschema
import pytest
import yaml

from support.deploy_tools import checker
from support.helm_chart import CASES, ROOT, case, of_kind, only
from support.ray_cluster_schema import RAY_CLUSTER, as_pod_templates

CHECKERS = ROOT / ".venv-deploy" / "bin"
OPERATOR_KINDS = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
OLDEST, NEWEST = "1.27", "1.37"


def of_kubernetes(manifests, tmp_path, version):
    """What `kubernetes-validate` says of manifests, and whether all is well."""
    program = checker("kubernetes-validate", "make test makes .venv-deploy")
    file = tmp_path / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), "utf-8")
    done = subprocess.run(
        [program, "--strict", "--no-warn", "--quiet", "--kubernetes-version", version, file],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def operator_complaints():
    """What the operator of Prometheus says against its kinds, and against one that is misspelt."""
    if not list(CHECKERS.parent.glob("lib/*/site-packages/cloudcoil/models/prometheus_operator")):
        pytest.skip("cloudcoil.models.prometheus_operator is not in .venv-deploy; run make test")
    good = [each for each in case("everything") if each["kind"] in OPERATOR_KINDS]
    bad = copy.deepcopy(only(good, "ServiceMonitor"))
    bad["spec"]["endpoints"][0]["scrapeIntervall"] = "30s"
    bad["spec"]["endpoints"][1]["interval"] = "soon"
    bad["spec"]["endpoints"][1]["relabelings"][0]["action"] = None
    done = subprocess.run(
        [CHECKERS / "python", ROOT / "tests" / "support" / "operator_schemas.py"],
        input=json.dumps([*good, bad]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *of_good, of_bad = json.loads(done.stdout)
    return {each["kind"]: said for each, said in zip(good, of_good, strict=True)}, of_bad


def ray_complaints(cluster):
    return [each.message for each in jsonschema.Draft7Validator(RAY_CLUSTER).iter_errors(cluster)]


def core(name):
    return [each for each in case(name) if each["kind"] not in {"RayCluster", *OPERATOR_KINDS}]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_field(tmp_path, version):
    manifests = [each for name in CASES for each in core(name)]
    assert {each["kind"] for each in manifests} >= {
        "ConfigMap",
        "Deployment",
        "Job",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    }
    assert of_kubernetes(manifests, tmp_path, version) == (True, "")


def test_a_misspelt_field_would_be_found(tmp_path):
    deployment = copy.deepcopy(only(case("as it comes"), "Deployment"))
    deployment["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    fits, said = of_kubernetes([deployment], tmp_path, NEWEST)
    assert not fits
    assert "terminationGracePeriod" in said


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_knows_every_field_of_rays_pods(tmp_path, version):
    templates = [
        template
        for name in CASES
        for cluster in of_kind(case(name), "RayCluster")
        for template in as_pod_templates(cluster)
    ]
    assert len(templates) == 6
    assert of_kubernetes(templates, tmp_path, version) == (True, "")


@pytest.mark.parametrize("name", ["as it comes", "everything"])
def test_ray_clusters_have_only_fields_that_kuberay_has(name):
    assert ray_complaints(only(case(name), "RayCluster")) == []


def test_a_misspelt_field_of_a_ray_cluster_would_be_found():
    cluster = copy.deepcopy(only(case("everything"), "RayCluster"))
    cluster["spec"]["workerGroupSpecs"][0]["minReplica"] = 0
    cluster["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] = 0
    assert len(ray_complaints(cluster)) == 2


def test_the_operator_of_prometheus_knows_every_field(operator_complaints):
    of_good, _ = operator_complaints
    assert of_good == {kind: [] for kind in OPERATOR_KINDS}


def test_a_misspelt_field_of_a_monitor_would_be_found(operator_complaints):
    _, of_bad = operator_complaints
    assert len(of_bad) == 3

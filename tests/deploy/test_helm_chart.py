"""What the Helm chart makes of its values."""

import json

import pytest
import yaml

from interference_service import __version__
from interference_service.lifecycle.drain import DrainTimes
from interference_service.settings import Settings
from support.helm_chart import (
    CASES,
    CHART,
    ROOT,
    Refused,
    case,
    environment,
    of_kind,
    only,
    pods,
    render,
)


@pytest.fixture(params=CASES)
def manifests(request):
    return case(request.param)


def test_no_two_manifests_are_the_same_thing(manifests):
    names = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(set(names)) == len(names)


def test_the_service_accepts_what_the_chart_sets(manifests, monkeypatch, tmp_path):
    (tmp_path / "srv" / "rows").mkdir(parents=True)
    for file in ("database/password", "credentials/bucket/access", "credentials/bucket/secret"):
        path = tmp_path / "etc" / "interference" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("something", "utf-8")
    variables = environment(manifests)
    for name, value in variables.items():
        here = value.replace("/etc/", f"{tmp_path}/etc/").replace("/srv/", f"{tmp_path}/srv/")
        monkeypatch.setenv(name, here)
    settings = Settings()
    assert settings.host == "0.0.0.0"
    assert settings.ray_address == variables.get("RAY_ADDRESS", "")
    assert set(settings.stores) == set(json.loads(variables["INTERFERENCE_STORES"]))


def test_settings_reach_the_service():
    variables = environment(case("everything"))
    assert variables["INTERFERENCE_COMPUTE__BATCH_ROWS"] == "256"
    assert variables["INTERFERENCE_ALLOW_CHECKPOINTS"] == "true"
    assert json.loads(variables["INTERFERENCE_ARCHITECTURES"]) == ["mlp"]
    assert variables["INTERFERENCE_COMPUTE__DEVICE"] == "gpu"


def test_large_numbers_stay_readable():
    rendered = render(
        {
            "settings": {"INTERFERENCE_COMPUTE__UNIT_BYTES": 1073741824},
            "monitoring": {
                "serviceMonitor": {"enabled": True, "sampleLimit": 2000000},
                "prometheusRule": {
                    "enabled": True,
                    "runbookBase": "https://runbooks.example",
                    "levels": {"stale_seconds": 3024000},
                },
            },
        }
    )
    assert environment(rendered)["INTERFERENCE_COMPUTE__UNIT_BYTES"] == "1073741824"
    assert only(rendered, "ServiceMonitor")["spec"]["sampleLimit"] == 2000000
    assert "vector(3024000)" in str(only(rendered, "PrometheusRule"))


def test_a_setting_of_the_operator_decides_where_gpus_are():
    rendered = render(
        {
            "settings": {"INTERFERENCE_COMPUTE__DEVICE": "auto"},
            "ray": {"workers": {"gpu": {"enabled": True}}},
        }
    )
    assert environment(rendered)["INTERFERENCE_COMPUTE__DEVICE"] == "auto"


def test_changed_settings_start_new_pods():
    before, after = (
        pods(render({"settings": {"INTERFERENCE_JOBS__CONCURRENCY": number}}))["Deployment"]
        for number in (4, 5)
    )
    assert before["metadata"]["annotations"] != after["metadata"]["annotations"]


def test_sqlite_has_one_pod_at_a_time():
    deployment = only(case("as it comes"), "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert not of_kind(case("as it comes"), "PodDisruptionBudget")


def test_replicas_are_replaced_one_after_another():
    deployment = only(case("everything"), "Deployment")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    budget = only(case("everything"), "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]


@pytest.mark.parametrize(
    ("announce", "job", "call"), [(5, 0, 5), (0, 0, 0), (10, 600, 5), (5, 0, 60)]
)
def test_the_platform_waits_longer_than_the_service_takes(announce, job, call):
    rendered = render(
        {"drain": {"announceSeconds": announce, "jobSeconds": job, "callSeconds": call}}
    )
    times = DrainTimes(announce_seconds=announce, job_seconds=job, call_seconds=call)
    pod = pods(rendered)["Deployment"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == times.most_seconds + 15


def test_probes_ask_for_life_and_readiness(manifests):
    [container] = pods(manifests)["Deployment"]["spec"]["containers"]
    assert {
        name: container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")
    } == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert {each["name"] for each in container["ports"]} == {"grpc", "metrics"}


def test_the_service_is_a_node_of_its_cluster():
    rendered = case("as it comes")
    cluster = only(rendered, "RayCluster")["metadata"]["name"]
    [container] = pods(rendered)["Deployment"]["spec"]["containers"]
    assert environment(rendered)["RAY_ADDRESS"] == f"{cluster}-head-svc.ml.svc:6379"
    assert container["command"] == [
        "/bin/bash",
        "/etc/interference/scripts/serve-as-ray-node.sh",
    ]
    script = only(rendered, "ConfigMap", "-scripts")["data"]["serve-as-ray-node.sh"]
    assert script == (CHART / "files" / "serve-as-ray-node.sh").read_text("utf-8")


def test_a_cluster_that_is_there_is_joined():
    rendered = case("a cluster that is there")
    assert not of_kind(rendered, "RayCluster")
    assert environment(rendered)["RAY_ADDRESS"] == "head.example:6379"


def test_without_a_cluster_the_service_starts_its_own_ray():
    rendered = case("all in one pod")
    [container] = pods(rendered)["Deployment"]["spec"]["containers"]
    assert container["command"] == ["interference-service", "serve"]
    assert "RAY_ADDRESS" not in environment(rendered)
    assert environment(rendered)["INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES"] == str(1 << 30)


def test_versions_are_those_of_the_project():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    pinned = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert chart["appVersion"] == __version__
    assert f"ray=={only(case('as it comes'), 'RayCluster')['spec']['rayVersion']}" in pinned


def test_no_work_lands_on_the_head():
    head = only(case("everything"), "RayCluster")["spec"]["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert head["rayStartParams"]["include-dashboard"] == "false"
    [container] = head["template"]["spec"]["containers"]
    assert {each["name"] for each in container["ports"]} == {"gcs-server", "metrics"}


def test_gpus_are_held_only_while_they_are_needed():
    spec = only(case("everything"), "RayCluster")["spec"]
    [group] = [each for each in spec["workerGroupSpecs"] if each["groupName"] == "gpu"]
    [container] = group["template"]["spec"]["containers"]
    assert spec["enableInTreeAutoscaling"]
    assert group["minReplicas"] == 0
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert group["template"]["spec"]["runtimeClassName"] == "nvidia"


def test_shared_memory_has_room_for_the_object_store(manifests):
    for cluster in of_kind(manifests, "RayCluster"):
        for group in [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]:
            volumes = group["template"]["spec"]["volumes"]
            [memory] = [each["emptyDir"] for each in volumes if each["name"] == "shared-memory"]
            assert memory["medium"] == "Memory"
            room = int(memory["sizeLimit"].removesuffix("Mi")) << 20
            assert room > int(group["rayStartParams"]["object-store-memory"])


def test_a_new_image_gets_a_new_cluster():
    names = {
        only(render({"image": {"tag": tag}}), "RayCluster")["metadata"]["name"]
        for tag in ("1.0.0", "1.0.1")
    }
    assert len(names) == 2


def test_stores_on_claims_are_the_same_everywhere():
    for name, pod in pods(case("everything")).items():
        mounts = {
            mount["mountPath"]: mount
            for container in pod["spec"]["containers"]
            for mount in container["volumeMounts"]
        }
        assert ("/srv/rows" in mounts) == (name != "Job")
        assert name == "Job" or mounts["/srv/rows"]["readOnly"]
    stores = json.loads(environment(case("everything"))["INTERFERENCE_STORES"])
    assert stores["rows"] == "/srv/rows"
    assert stores["models"]["bucket"] == "released"


REFUSED = {
    "PostgreSQL": {"replicas": 2},
    "persistence.accessMode": {
        "replicas": 2,
        "database": {"url": "postgresql://interference@database.example/interference"},
    },
    "migrated by the service's start": {"database": {"migrationJob": True}},
    "needs TLS": {"tls": {"clientCertificates": True, "allowPlaintext": True}},
    "what each may do": {"tls": {"clientCertificates": True}, "access": {"allowAnonymous": True}},
    "needs ray.address": {"ray": {"mode": "external"}},
    "needs ray.peers": {"ray": {"mode": "external", "address": "head.example:6379"}},
    "are of ray.mode external": {"ray": {"address": "head.example:6379"}},
    "needs workers": {"ray": {"workers": {"cpu": {"enabled": False}}}},
    "minReplicas <= replicas": {"ray": {"workers": {"gpu": {"replicas": 5}}}},
    "networkPolicy.kubernetesApi": {"ray": {"autoscaling": {"enabled": True}}},
    "runbookBase": {"monitoring": {"prometheusRule": {"enabled": True}}},
    "must differ": {"service": {"port": 9464}},
    "is no level of the rules; there are: certificate_seconds": {
        "monitoring": {
            "prometheusRule": {
                "enabled": True,
                "runbookBase": "https://runbooks.example",
                "levels": {"supression_level": 2},
            }
        }
    },
}


@pytest.mark.parametrize("words", REFUSED)
def test_values_that_do_not_go_together_are_refused(words):
    with pytest.raises(Refused) as refused:
        render(REFUSED[words])
    assert words in str(refused.value)

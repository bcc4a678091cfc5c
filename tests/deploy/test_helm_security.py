"""Who the pods of the Helm chart are, and who reaches them."""

import pytest

from support.helm_chart import CASES, case, environment, of_kind, only, pods
from support.network_policies import Pod, may_connect

RAY_PORTS = (6379, 6380, 8265, 10001, 52365, 8080, 31234)
GRPC, METRICS = 50051, 9464


@pytest.fixture(params=CASES)
def manifests(request):
    return case(request.param)


def containers(manifests):
    return [
        container for pod in pods(manifests).values() for container in pod["spec"]["containers"]
    ]


def test_no_pod_is_root_or_more_than_it_must_be(manifests):
    for pod in pods(manifests).values():
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] == context["runAsGroup"] == 10001
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod["spec"].keys()
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_only_what_must_be_written_can_be(manifests):
    for name, pod in pods(manifests).items():
        [container] = pod["spec"]["containers"]
        written = {
            each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")
        }
        assert written == {
            "Deployment": {"/tmp", "/dev/shm", "/var/lib/interference"},
            "Job": {"/tmp"},
        }.get(name, {"/tmp", "/dev/shm"})
        assert not [each for each in pod["spec"]["volumes"] if "hostPath" in each]
        assert all(
            each["emptyDir"].get("sizeLimit")
            for each in pod["spec"]["volumes"]
            if "emptyDir" in each
        )


def test_every_container_has_bounds(manifests):
    for container in containers(manifests):
        resources = container["resources"]
        assert resources["limits"].keys() >= {"cpu", "memory"}
        assert resources["requests"]["memory"] == resources["limits"]["memory"]


def test_images_are_named_exactly(manifests):
    images = {container["image"] for container in containers(manifests)}
    assert len(images) == 1
    [image] = images
    assert "@sha256:" in image or image.endswith(":0.1.0")


def test_no_pod_may_speak_to_kubernetes_but_the_autoscaler(manifests):
    for cluster in of_kind(manifests, "RayCluster"):
        head = cluster["spec"]["headGroupSpec"]["template"]["spec"]
        autoscales = cluster["spec"]["enableInTreeAutoscaling"]
        assert head["automountServiceAccountToken"] == autoscales
    for name, pod in pods(manifests).items():
        assert name == "head" or pod["spec"]["automountServiceAccountToken"] is False
    for account in of_kind(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_secrets_are_files_and_never_variables(manifests):
    assert not of_kind(manifests, "Secret")
    for container in containers(manifests):
        for variable in container["env"]:
            assert "secretKeyRef" not in variable.get("valueFrom", {})
    pod = pods(manifests)["Deployment"]["spec"]
    secrets = {each["name"] for each in pod["volumes"] if "secret" in each}
    for mount in pod["containers"][0]["volumeMounts"]:
        assert mount["name"] not in secrets or "subPath" not in mount


def test_ray_gets_no_secret_of_the_service():
    for name in ("head", "cpu", "gpu"):
        volumes = pods(case("everything"))[name]["spec"]["volumes"]
        secrets = [each["secret"]["secretName"] for each in volumes if "secret" in each]
        assert secrets == ["gradient-interference-ray"]


def test_ray_asks_for_a_token(manifests):
    for name, pod in pods(manifests).items():
        variables = {
            each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]
        }
        if of_kind(manifests, "RayCluster") and name != "Job":
            assert variables["RAY_AUTH_MODE"] == "token"
            assert variables["RAY_AUTH_TOKEN_PATH"] == "/etc/interference/ray/auth_token"


def test_only_a_deployment_that_says_so_is_open():
    for name in CASES:
        variables = environment(case(name))
        is_open = name == "all in one pod"
        assert ("INTERFERENCE_SECURITY__ALLOW_ANONYMOUS" in variables) == is_open
        assert ("INTERFERENCE_SECURITY__ALLOW_PLAINTEXT" in variables) == is_open


def test_only_grpc_can_be_published(manifests):
    service, metrics = of_kind(manifests, "Service")
    assert [each["name"] for each in service["spec"]["ports"]] == ["grpc"]
    assert metrics["spec"]["clusterIP"] == "None"


SERVICE = Pod(
    {
        "app.kubernetes.io/instance": "gi",
        "app.kubernetes.io/part-of": "gradient-interference",
        "app.kubernetes.io/component": "service",
    },
    ports={"grpc": GRPC, "metrics": METRICS},
)
RAY = Pod(SERVICE.labels | {"app.kubernetes.io/component": "ray"}, ports={"metrics": 8080})
MIGRATION = Pod(SERVICE.labels | {"app.kubernetes.io/component": "migration"})
CLIENT = Pod({"gradient-interference/client": "true"}, namespace="training")
MONITORING = Pod({"app": "prometheus"}, namespace="monitoring")
STRANGER = Pod({"app": "stranger"})
OTHER_RELEASE = Pod(RAY.labels | {"app.kubernetes.io/instance": "other"})
DNS = Pod({"k8s-app": "kube-dns"}, namespace="kube-system")


@pytest.fixture(params=["as it comes", "everything"])
def policies(request):
    return of_kind(case(request.param), "NetworkPolicy")


def test_the_pods_are_those_that_the_policies_select(policies):
    for name, pod in pods(case("everything")).items():
        labels = pod["metadata"]["labels"]
        expected = {"Deployment": SERVICE, "Job": MIGRATION}.get(name, RAY)
        assert expected.labels.items() <= labels.items()


@pytest.mark.parametrize("port", RAY_PORTS)
def test_ray_executes_code_for_its_nodes_and_the_service_alone(policies, port):
    for source in (RAY, SERVICE):
        assert may_connect(policies, source, RAY, port)
    for source in (CLIENT, STRANGER, OTHER_RELEASE, MIGRATION, DNS):
        assert not may_connect(policies, source, RAY, port)
        assert not may_connect(policies, source, SERVICE, port)
    assert may_connect(policies, RAY, SERVICE, port)


@pytest.mark.parametrize("port", RAY_PORTS)
def test_prometheus_reaches_metrics_of_ray_and_nothing_else(port):
    asked = of_kind(case("everything"), "NetworkPolicy")
    assert may_connect(asked, MONITORING, RAY, port) == (port == 8080)
    unasked = of_kind(case("as it comes"), "NetworkPolicy")
    assert not may_connect(unasked, MONITORING, RAY, port)


def test_clients_call_and_prometheus_scrapes(policies):
    assert may_connect(policies, CLIENT, SERVICE, GRPC)
    assert not may_connect(policies, CLIENT, SERVICE, METRICS)
    assert may_connect(policies, MONITORING, SERVICE, METRICS)
    assert not may_connect(policies, MONITORING, SERVICE, GRPC)
    for stranger in (STRANGER, OTHER_RELEASE, DNS):
        assert not may_connect(policies, stranger, SERVICE, GRPC)
        assert not may_connect(policies, stranger, SERVICE, METRICS)


def test_pods_reach_what_they_need_and_no_more(policies):
    for pod in (SERVICE, RAY):
        assert may_connect(policies, pod, DNS, 53)
        assert not may_connect(policies, pod, DNS, 80)
        assert not may_connect(policies, pod, STRANGER, 443)
        assert not may_connect(policies, pod, MONITORING, 9090)


def test_nothing_reaches_the_migration(policies):
    for source in (SERVICE, RAY, CLIENT, STRANGER, MONITORING):
        assert not may_connect(policies, source, MIGRATION, 80)


@pytest.mark.parametrize("name", ["", "-migration"])
def test_the_database_is_reached_at_its_port(name):
    policies = of_kind(case("everything"), "NetworkPolicy")
    [policy] = [
        each for each in policies if each["metadata"]["name"] == f"gi-gradient-interference{name}"
    ]
    assert {
        "to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}],
        "ports": [{"port": 6432, "protocol": "TCP"}],
    } in policy["spec"]["egress"]


def test_only_the_service_reaches_buckets():
    for policy in of_kind(case("everything"), "NetworkPolicy"):
        addresses = [
            peer["ipBlock"]["cidr"]
            for rule in policy["spec"].get("egress", [])
            for peer in rule.get("to", [])
            if "ipBlock" in peer
        ]
        own = policy["metadata"]["name"] == "gi-gradient-interference"
        assert ("0.0.0.0/0" in addresses) == own


def test_a_cluster_that_is_there_is_reached_both_ways():
    policy = only(case("a cluster that is there"), "NetworkPolicy", "gi-gradient-interference")
    peers = [{"ipBlock": {"cidr": "10.2.0.0/16"}}]
    assert {"from": peers} in policy["spec"]["ingress"]
    assert {"to": peers} in policy["spec"]["egress"]

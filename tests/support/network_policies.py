"""What network policies allow, told as Kubernetes does: what none allows, where one selects, is refused."""

from dataclasses import dataclass, field
from typing import Any

Policy = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod among others."""

    labels: dict[str, str]
    namespace: str = "ml"
    ports: dict[str, int] = field(default_factory=dict)
    """Numbers of its ports by their names."""


def may_connect(policies: list[Policy], source: Pod, target: Pod, port: int) -> bool:
    """Whether a connection is allowed at both of its ends.

    Args:
        policies: Those of the namespace `ml`; other namespaces have none.
        source: Connects.
        target: Is connected to.
        port: By TCP.
    """
    return _allows(policies, "Egress", source, target, target, port) and _allows(
        policies, "Ingress", target, source, target, port
    )


def _allows(
    policies: list[Policy], direction: str, own: Pod, peer: Pod, target: Pod, port: int
) -> bool:
    selecting = [
        each["spec"]
        for each in policies
        if direction in each["spec"]["policyTypes"]
        and own.namespace == "ml"
        and _matches(each["spec"]["podSelector"], own.labels)
    ]
    peers, rules = ("from", "ingress") if direction == "Ingress" else ("to", "egress")
    return not selecting or any(
        _is_peer(rule.get(peers), peer) and _is_port(rule.get("ports"), target, port)
        for spec in selecting
        for rule in spec.get(rules, [])
    )


def _is_peer(peers: list[Any] | None, pod: Pod) -> bool:
    if not peers:
        return True
    return any(_is_this_peer(each, pod) for each in peers)


def _is_this_peer(peer: dict[str, Any], pod: Pod) -> bool:
    if "ipBlock" in peer:
        return False
    if "namespaceSelector" in peer:
        namespace = {"kubernetes.io/metadata.name": pod.namespace}
        if not _matches(peer["namespaceSelector"], namespace):
            return False
    elif pod.namespace != "ml":
        return False
    return _matches(peer.get("podSelector", {}), pod.labels)


def _is_port(ports: list[Any] | None, target: Pod, port: int) -> bool:
    return not ports or any(
        each["protocol"] == "TCP" and target.ports.get(each["port"], each["port"]) == port
        for each in ports
    )


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()

"""Of a RayCluster, what our chart may use: fields of `ray.io/v1` as KubeRay's reference names them.

The definition itself is in no package; the pods in it are checked as what they are.
"""

from typing import Any

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_COUNT = {"type": "integer", "minimum": 0}
_POD = {"type": "object", "required": ["metadata", "spec"]}


def _only(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": properties,
    }


RAY_CLUSTER = _only(
    "apiVersion kind metadata spec",
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    # The operator adds to the name, and a Service's has at most 63 characters.
    metadata=_only("name", name={"type": "string", "maxLength": 50}, labels=_TEXTS),
    spec=_only(
        "rayVersion headGroupSpec workerGroupSpecs",
        rayVersion={"type": "string"},
        enableInTreeAutoscaling={"type": "boolean"},
        autoscalerOptions=_only(
            "",
            version={"enum": ["v1", "v2"]},
            idleTimeoutSeconds=_COUNT,
            resources={"type": "object"},
            securityContext={"type": "object"},
            env={"type": "array"},
            volumeMounts={"type": "array"},
        ),
        headGroupSpec=_only(
            "rayStartParams template",
            serviceType={"const": "ClusterIP"},
            rayStartParams=_TEXTS,
            template=_POD,
        ),
        workerGroupSpecs={
            "type": "array",
            "items": _only(
                "groupName replicas minReplicas maxReplicas rayStartParams template",
                groupName={"type": "string"},
                replicas=_COUNT,
                minReplicas=_COUNT,
                maxReplicas=_COUNT,
                rayStartParams=_TEXTS,
                template=_POD,
            ),
        },
    ),
)


def as_pod_templates(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods of a cluster, as resources of Kubernetes itself.

    Those of the autoscaler's container that its options say stand in the head's place.
    """
    spec = cluster["spec"]
    found = [
        {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {}, "template": group["template"]}
        for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    ]
    if "autoscalerOptions" in spec:
        options = spec["autoscalerOptions"]
        own = {
            name: options[name]
            for name in ("resources", "securityContext", "env", "volumeMounts")
            if name in options
        }
        container = {"name": "autoscaler", "image": "autoscaler", **own}
        found.append(
            {
                "apiVersion": "v1",
                "kind": "PodTemplate",
                "metadata": {},
                "template": {"metadata": {}, "spec": {"containers": [container]}},
            }
        )
    return found

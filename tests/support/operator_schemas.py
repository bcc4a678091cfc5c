"""Run by the environment of checkers, which has the resources of Prometheus' operator as classes.

Standard input is a list of manifests; standard output is, of each, a list of what is
wrong. The
classes are made from the operator's definitions, and let pass what they do not know; here that is
refused, and so is an empty value, as by `kubectl apply` with strict validation.
"""

import json
import sys
from typing import Any

import jsonschema
from cloudcoil.models.prometheus_operator import v1


def _made_strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_made_strict(each) for each in schema if each != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _made_strict(each) for name, each in schema.items() if name != "default"}
    if "properties" in strict:
        strict["additionalProperties"] = False
    return strict


def _complaints(manifest: dict[str, Any]) -> list[str]:
    schema = _made_strict(getattr(v1, manifest["kind"]).model_json_schema(by_alias=True))
    return [
        f"{manifest['kind']} {error.json_path}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    ]


if __name__ == "__main__":
    json.dump([_complaints(manifest) for manifest in json.load(sys.stdin)], sys.stdout)

"""What values the Helm chart takes, and that its README tells them."""

import json
import re

import jsonschema
import pytest
import yaml

from support import readmes
from support.helm_chart import CASES, CHART, environment, render, values

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
README = CHART / "README.md"


def complaints(changes):
    return [
        f"{each.json_path}: {each.message}"
        for each in jsonschema.Draft7Validator(SCHEMA).iter_errors(values(changes))
    ]


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", CASES)
def test_values_that_fit_are_taken(name):
    assert complaints(CASES[name]) == []


HOSTILE = [
    {"replica": 2},
    {"replicas": 0},
    {"replicas": "2"},
    {"image": {"tag": "latest"}},
    {"image": {"tag": "1.0 --privileged"}},
    {"image": {"repository": "image\nhostNetwork: true"}},
    {"image": {"digest": "sha256:abc"}},
    {"database": {"url": "postgresql://interference:secret@database.example/interference"}},
    {"database": {"url": "postgresql://database.example/interference?password=secret"}},
    {"database": {"url": "sqlite:///jobs.sqlite"}},
    {"database": {"passwordSecret": {"name": "a}\n- {hostPath: {path: /"}}},
    {"access": {"secret": ""}},
    {"access": {"key": "../../etc/passwd"}},
    {"tls": {"secret": "Not A Name"}},
    {"stores": {"rows": "/srv/rows"}},
    {"stores": {"Rows": {"claim": "rows"}}},
    {"stores": {"rows": {"claim": "rows", "kind": "s3", "bucket": "rows"}}},
    {"stores": {"rows": {"kind": "ftp", "bucket": "rows"}}},
    {"settings": {"INTERFERENCE_COMPUTE__BATCHROWS": 1}},
    {"settings": {"INTERFERENCE_SECURITY__ALLOW_ANONYMOUS": True}},
    {"settings": {"INTERFERENCE_DATABASE_URL": "postgresql://database.example/interference"}},
    {"settings": {"INTERFERENCE_MLFLOW__TOKEN": "secret"}},
    {"settings": {"LD_PRELOAD": "/tmp/evil.so"}},
    {"extraEnv": [{"name": "INTERFERENCE_SECURITY__ALLOW_ANONYMOUS", "value": "true"}]},
    {"extraEnv": [{"name": "RAY_AUTH_MODE", "value": "disabled"}]},
    {"podLabels": {"app.kubernetes.io/component": "ray"}},
    {"service": {"type": "ExternalName"}},
    {"service": {"port": 70000}},
    {"service": {"port": 443}},
    {"resources": {"limits": {"memory": "lots"}}},
    {"resources": {"limits": {"cpu": "1; rm", "memory": "1Gi"}}},
    {"ray": {"mode": "none"}},
    {"ray": {"version": "2.60"}},
    {"ray": {"address": "ray://head:10001"}},
    {"ray": {"workers": {"tpu": {"enabled": True}}}},
    {"ray": {"workers": {"gpu": {"minReplicas": -1}}}},
    {"networkPolicy": {"clients": [{}]}},
    {"networkPolicy": {"database": [{"ipBlock": {"cdir": "10.0.0.0/8"}}]}},
    {"monitoring": {"serviceMonitor": {"interval": "often"}}},
    {"monitoring": {"prometheusRule": {"runbookBase": "javascript:alert(1)"}}},
    {"monitoring": {"prometheusRule": {"runbookBase": 'https://a.example/{{ "x" }}'}}},
    {"monitoring": {"prometheusRule": {"levels": {"suppression_level": "1) or vector(1"}}}},
]


@pytest.mark.parametrize("changes", HOSTILE, ids=json.dumps)
def test_values_that_do_not_fit_are_refused(changes):
    assert complaints(changes)


def objects(schema):
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for each in schema.values():
            yield from objects(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects(each)


def test_every_object_refuses_what_is_misspelt():
    # What a bucket has is looked at by the service.
    open_ones = [each for each in objects(SCHEMA) if each.get("additionalProperties") is not False]
    assert [sorted(each["properties"]) for each in open_ones] == [["bucket", "kind"]]


def test_every_value_is_in_the_schema():
    def missing(schema, value, at):
        schema = (
            SCHEMA["definitions"][schema["$ref"].split("/")[-1]] if "$ref" in schema else schema
        )
        if not isinstance(value, dict) or "properties" not in schema:
            return []
        extra = [f"{at}{name}" for name in schema["properties"].keys() - value.keys()]
        return extra + [
            each
            for name, below in value.items()
            for each in missing(schema["properties"][name], below, f"{at}{name}.")
        ]

    # Values that helm itself hands to every chart.
    assert missing(SCHEMA, values({}), "") == ["global"]


def test_settings_are_those_of_the_service_that_the_chart_leaves_open():
    told = {
        re.match("`([A-Z_0-9]+)`", cells[0])[1]
        for cells in readmes.rows(readmes.section(readmes.SERVICE, "Settings"))
    }
    chosen = {
        name
        for case in CASES.values()
        for name in environment(render({**case, "settings": {}}))
        if not name.startswith("INTERFERENCE_COMPUTE__")
    }
    elsewhere = {
        "INTERFERENCE_ARTIFACTS_DIRECTORY",  # in the state directory
        "INTERFERENCE_RAY_ADDRESS",  # as RAY_ADDRESS
        "INTERFERENCE_MLFLOW__TOKEN",  # a secret
    }
    enum = SCHEMA["properties"]["settings"]["propertyNames"]["enum"]
    assert sorted(enum) == sorted(told - chosen - elsewhere)


def flat(tree, at=""):
    for name, value in tree.items():
        path = f"{at}{name}"
        if isinstance(value, dict) and value and not path.endswith(("resources", "labels")):
            yield from flat(value, f"{path}.")
        else:
            yield path, value


def test_the_readme_tells_every_value_and_its_default():
    told = {
        cells[0].strip("`"): cells[1].strip("`")
        for cells in readmes.rows(readmes.section(README, "Values"))
    }
    expected = {
        path: json.dumps(value)
        for path, value in flat(yaml.safe_load((CHART / "values.yaml").read_text("utf-8")))
    }
    assert told == expected


@pytest.mark.parametrize("example", readmes.blocks(README.read_text("utf-8"), "yaml"))
def test_the_examples_of_the_readme_render(example):
    changes = yaml.safe_load(example)
    assert complaints(changes) == []
    assert render(changes)

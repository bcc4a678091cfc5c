"""What the alerts make of scrapes, told by ``promtool``."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml
from prometheus_client.samples import Sample

from support.alert_rules import RULES, run

_MINUTES = 20
"""Until the next analysis; longer than alerts of bounds wait."""
_TARGET: Mapping[str, str] = MappingProxyType({"job": "interference-results", "instance": "a"})
_OF_SERVICE = "InterferenceServiceDown|InterferenceResultsEndpointDown"
"""There is no process here, so these rightly fire."""
_LABELS = ("alertname", "severity", "class")
Fired = tuple[str, str, str]
"""Name, severity and class of an alert."""


def assert_only_these_fire(
    directory: Path, scrapes: Sequence[Sequence[Sample]], *fired: Fired
) -> None:
    """Exactly these alerts fire while the scrapes follow each other.

    Args:
        directory: Where the test is written.
        scrapes: Each stays for twenty minutes.
        fired: What is to fire at any time.
    """
    minutes = _MINUTES * len(scrapes)
    series = [
        {"series": each, "values": " ".join(value for value in values for _ in range(_MINUTES))}
        for each, values in _series(scrapes).items()
    ]
    firing = f'ALERTS{{alertstate="firing", alertname!~"{_OF_SERVICE}"}}[{minutes}m]'
    found = f"count by ({', '.join(_LABELS)}) (count_over_time({firing}))"
    samples = [
        {"labels": _written(dict(zip(_LABELS, each, strict=True))), "value": 1} for each in fired
    ]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "group_eval_order": [each["name"] for each in yaml.safe_load(RULES.read_text())["groups"]],
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [
                    {"expr": found, "eval_time": f"{minutes - 1}m", "exp_samples": samples}
                ],
            }
        ],
    }
    path = directory / "alerts.test.yml"
    path.write_text(yaml.safe_dump(test))
    done = run("promtool", "test", "rules", path)
    assert done.returncode == 0, done.stdout


def _series(scrapes: Sequence[Sequence[Sample]]) -> dict[str, list[str]]:
    """Values of every series at every scrape; one that is absent is marked so, as by a scrape."""
    found: defaultdict[str, list[str]] = defaultdict(lambda: ["stale"] * len(scrapes))
    for number, scrape in enumerate(scrapes):
        for sample in scrape:
            found[_name(sample)][number] = repr(sample.value)
    return dict(found)


def _name(sample: Sample) -> str:
    return sample.name + _written(dict(_labels(sample)))


def _written(labels: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{name}={json.dumps(value)}' for name, value in labels.items())}}}"


def _labels(sample: Sample) -> Iterator[tuple[str, str]]:
    """As the label of a scrape.

    Yields:
        Names and values; a label that targets have too is renamed.
    """
    yield from _TARGET.items()
    for name, value in sample.labels.items():
        yield (f"exported_{name}" if name in _TARGET else name), value

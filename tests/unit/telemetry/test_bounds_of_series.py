"""How many series there can be, whatever classes, layers and projects are called."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from interference_service.domain.result import PreviousAnalysis
from interference_service.telemetry.exposition import rendered
from support.jobs import START, analysis_result, class_info, column, job
from support.result_series import Bench

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PLAIN = "text/plain"
NAMES = st.text(min_size=1, max_size=12) | st.sampled_from(
    ['"', "\n", "\\", '\\"', "\\n", 'a="b"} 1\n# EOF', "{", "Müll", "\u2028", " ", "\r", "# TYPE x"]
)


def of_monitor(classes: int, layers: int, *, max_classes: int = 50, max_layers: int = 5) -> int:
    """Most series of a monitor, as ``telemetry.series`` says."""
    return 9 + 24 * min(classes, max_classes) + min(layers, max_layers)


def of_all(per_monitor: int, monitors: int, projects: int) -> int:
    """Most series of all monitors, as ``telemetry.results`` says."""
    return monitors * (2 + per_monitor) + projects + 7


def everything_known(class_names, layer_names):
    """A result in which every class is a minority of which all is determined."""
    names, layers = list(class_names), [(name, 1) for name in layer_names]
    count = len(names)
    columns = [
        column(name, (0.5,) * count)
        for name in ("progress_ratio", "suppression", "support", "gradient_norm")
    ]
    matrices = {"layers/suppression": np.ones((len(layers), count))}
    result = analysis_result(
        [class_info(name, prior=1 / count, minority=True) for name in names],
        columns=columns,
        main_suppressor=[0] * count,
        layers=layers,
        matrices=matrices,
        top_conflicts=(),
        previous=PreviousAnalysis(
            analysis_job=job("before").name,
            version="v6",
            end_time=START,
            changes=tuple(columns[:2]),
        ),
    )
    return {"result": result, "matrices": matrices, "interval": timedelta(days=1)}


def scraped(bench: Bench, accept: str = OPENMETRICS):
    """All samples as a parser of the format reads them."""
    parse = parse_openmetrics if accept == OPENMETRICS else parse_text
    text = rendered([bench.collector], accept, compress=False)[1].decode()
    return [sample for family in parse(text) for sample in family.samples]


def test_ten_thousand_classes_stay_within_the_bound_and_reach_it():
    bench = Bench()
    names = [f'class "{index}"\\\n' for index in range(10_000)]
    bench.publish(**everything_known(names, [f"layer\n{index}" for index in range(400)]))
    samples = scraped(bench)
    # One project, none of whose jobs is unfinished.
    assert len(samples) == of_all(of_monitor(10_000, 400), monitors=1, projects=0) - 1
    assert len({each.labels["class"] for each in samples if "class" in each.labels}) == 50
    cut = {each.name: each.value for each in samples if "truncated" in each.name}
    assert cut == {
        "interference_monitor_truncated_classes": 9_950,
        "interference_monitor_truncated_layers": 395,
        "interference_truncated_monitors": 0,
    }


def test_a_hundred_monitors_of_a_hundred_projects_stay_within_the_bound():
    limits = {"max_classes": 2, "max_layers": 1, "max_monitors": 60, "max_projects": 10}
    bench = Bench(**limits)
    for index in range(100):
        bench.publish(
            f"a{index}", f"m{index}", project=f"p{index}", **everything_known("abc", ["stem", "b"])
        )
    for index in range(100):
        bench.store.create(job(f"b{index}", project=f"p{index}"), None)
    per_monitor = of_monitor(3, 2, max_classes=2, max_layers=1)
    assert len(scraped(bench)) == of_all(per_monitor, monitors=60, projects=10)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(NAMES, min_size=1, max_size=6, unique=True),
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.sampled_from([OPENMETRICS, PLAIN]),
)
def test_whatever_they_are_called_each_class_and_layer_is_read_back_as_it_is(
    classes, layers, accept
):
    bench = Bench(max_classes=4, max_layers=2)
    bench.publish(**everything_known(classes, layers))
    samples = scraped(bench, accept)
    most = of_monitor(len(classes), len(layers), max_classes=4, max_layers=2)
    assert len(samples) <= of_all(most, monitors=1, projects=0)
    labels = [(each.name, *sorted(each.labels.items())) for each in samples]
    assert len(set(labels)) == len(labels)
    # Of equal shares the first ones stay.
    kept = classes[:4]
    found = [each.labels["class"] for each in samples if each.name.endswith("_class_judged")]
    assert found == kept
    found = [each.labels["layer"] for each in samples if "layer_conflicting" in each.name]
    assert found == layers[:2]


@pytest.mark.parametrize("name", ["class", "layer"])
def test_a_name_that_looks_like_the_end_of_the_text_ends_nothing(name):
    bench = Bench()
    bench.publish(**everything_known(["\n# EOF\n"], ["\n# EOF\n"]))
    named = [each.labels[name] for each in scraped(bench) if name in each.labels]
    assert set(named) == {"\n# EOF\n"}

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client.testing import (
    Fails,
    FakeClass,
    FakeService,
    KeepsRunning,
    Succeeds,
)
from interference_service.reproduction.observation import observer
from interference_service.reproduction.observation.observer import (
    Observer,
    ServiceUnusable,
    monitor_of,
)
from interference_service.reproduction.records import Budget, RunKey, RunRecord
from support.reproduced import (
    NAMES,
    HeadedNetwork,
    dataset,
    epoch,
    record,
    result_without_conflicts,
)

RESULT = result_without_conflicts({name: FakeClass(minority=name == "few") for name in NAMES})


@pytest.fixture
def service() -> Iterator[FakeService]:
    with FakeService() as service:
        service.plan(Succeeds(RESULT))
        yield service


class Watched:
    """An experiment in a directory, whose notes are kept."""

    def __init__(self, out: Path, service: FakeService, channels: int = 1) -> None:
        self.notes: list[str] = []
        self.out, self.dataset = out, dataset(channels)
        self.network = HeadedNetwork(channels)
        self.observer = Observer(out, service.target, self.notes.append)

    def train(self, before: RunRecord, epochs: int) -> RunRecord:
        """Train, as far as an observer sees: one epoch after another."""
        watch = self.observer.watching(self.dataset)
        for number in range(epochs + 1):
            after = before.model_copy(
                update={"epochs": (*before.epochs, epoch(number, recognised=5))}
            )
            before = watch(after, self.network)
        return before


def fresh(budget: Budget | None = None, **changes: Any) -> RunRecord:
    found = record(analysed=(), **changes)
    update = {"epochs": ()} | ({"budget": budget} if budget else {})
    return found.model_copy(update=update)


def analysed(found: RunRecord) -> list[int]:
    return [each.epoch for each in found.analyses]


def specification(service: FakeService) -> job_pb2.AnalysisSpec:
    return service.submissions[-1].spec


def test_the_first_the_last_and_some_epochs_between_are_analysed(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        found = watched.train(fresh(Budget(epochs=5, analyse_every=2)), epochs=5)
    assert analysed(found) == [0, 2, 4, 5]
    assert watched.notes == []


def test_nothing_is_asked_where_nothing_is_to_be_analysed(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        found = watched.train(fresh(Budget(epochs=2, analyse_every=0)), epochs=2)
    assert analysed(found) == []
    assert service.calls == ()


@pytest.mark.parametrize(
    ("network", "others"), [("csba_cnn", {}), ("csba_everywhere", {"everywhere": True})]
)
def test_the_service_is_told_where_network_and_rows_are_and_what_they_are(
    tmp_path, service, network, others
):
    watched = Watched(tmp_path, service)
    with watched.observer:
        watched.train(fresh(network=network), epochs=2)
    told = specification(service)
    slug = f"digits-20-{network}-cross_entropy-mean-seed0"
    assert told.model.uri == f"reproduction://runs/{slug}/epochs/2.safetensors"
    assert told.model.architecture == "csba_cnn"
    assert json.loads(told.model.architecture_arguments) == {
        "height": 8,
        "width": 8,
        "channels": 1,
        "classes": 3,
        **others,
    }
    assert (told.model.monitor, told.model.version) == (slug, "epoch 2")
    (rows,) = told.data.uris
    assert rows == "reproduction://rows/digits-20-seed0.parquet"
    for uri in (told.model.uri, rows):
        assert (tmp_path / uri.removeprefix("reproduction://")).is_file()


def test_classes_are_named_in_their_order_and_minorities_are_those_of_the_rows(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        watched.train(fresh(), epochs=0)
    told = specification(service)
    assert list(told.data.class_names) == list(NAMES)
    assert list(told.options.minority_rule.classes) == ["few"]
    assert not told.data.priors.class_weights


def test_weights_of_the_loss_are_shares_of_the_update(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        watched.train(fresh(loss="class_balanced"), epochs=0)
    many, some, few = specification(service).data.priors.class_weights
    assert few > some > many > 0
    # For so few rows the effective numbers are the numbers.
    assert few / many == pytest.approx(8, rel=0.01)


@pytest.mark.parametrize(("channels", "mode"), [(1, "GREY"), (3, "RGB")])
def test_images_are_normalised_as_they_are_for_training(tmp_path, service, channels, mode):
    watched = Watched(tmp_path, service, channels)
    with watched.observer:
        watched.train(fresh(), epochs=0)
    (given,) = specification(service).data.inputs
    assert given.name == "x"
    assert job_pb2.ImageMode.Name(given.image.mode).endswith(mode)
    assert list(given.image.mean) == [0.5] * channels
    assert list(given.image.standard_deviation) == [0.25] * channels


def test_a_failed_analysis_is_told_once_and_the_training_goes_on(tmp_path, service):
    service.plan(Fails(), Fails(), Succeeds(RESULT))
    watched = Watched(tmp_path, service)
    with watched.observer:
        found = watched.train(fresh(), epochs=2)
        assert analysed(found) == [2]
        (note,) = watched.notes
        assert "epoch 0" in note
        assert "an input is not there" in note
        assert watched.observer.missing(found) == [0, 1]


def test_what_is_missing_is_made_up_for_from_the_weights_that_were_kept(tmp_path, service):
    service.plan(Fails(), Fails(), Succeeds(RESULT))
    first = Watched(tmp_path, service)
    with first.observer:
        found = first.train(fresh(), epochs=2)
    second = Watched(tmp_path, service)
    with second.observer:
        some, whole = second.observer.made_up(found, second.dataset)
        assert analysed(some) == [0, 2]
        assert analysed(whole) == [0, 1, 2]
        assert second.observer.missing(whole) == []
    uris = [each.spec.model.uri.rpartition("/")[2] for each in service.submissions[-2:]]
    assert uris == ["0.safetensors", "1.safetensors"]


def test_weights_that_were_not_kept_cannot_be_made_up_for(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        assert watched.observer.missing(record(analysed=())) == []


def test_a_service_that_is_gone_is_asked_no_more(tmp_path, service):
    watched = Watched(tmp_path, service)
    with watched.observer:
        service.refuse(grpc.StatusCode.UNAVAILABLE, times=1000, method="CreateAnalysisJob")
        found = watched.train(fresh(), epochs=2)
        asked = len(service.calls)
        assert analysed(found) == []
        assert len(watched.notes) == 1
        assert list(watched.observer.made_up(found, watched.dataset)) == [found] * 3
        assert len(service.calls) == asked


def test_without_a_service_nothing_is_trained(tmp_path, service):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        watched = Watched(tmp_path, service)
        target = f"127.0.0.1:{nobody.getsockname()[1]}"
        with (
            Observer(tmp_path, target, watched.notes.append) as observer,
            pytest.raises(ServiceUnusable, match=f"the service at {target} does not answer"),
        ):
            observer.watching(watched.dataset)(record(analysed=(), epochs=0), watched.network)


def test_a_job_that_takes_too_long_is_ended(tmp_path, service, monkeypatch):
    service.plan(KeepsRunning())
    monkeypatch.setattr(observer, "_LONGEST", timedelta(seconds=0.2))
    monkeypatch.setattr(observer, "_GRACE_SECONDS", 0.0)
    watched = Watched(tmp_path, service)
    with watched.observer:
        found = watched.train(fresh(), epochs=0)
    assert analysed(found) == []
    assert "has not ended" in watched.notes[0] or "still" in watched.notes[0]
    (job,) = service.submissions
    assert job_pb2.AnalysisJob.State.Name(job.state) in {"CANCELLING", "CANCELLED"}


def test_monitors_are_told_apart_whatever_their_length():
    long = [
        RunKey(
            dataset="infrared-solar-modules",
            network="shared_attention_cnn",
            loss="class_balanced",
            gradient="per_class_normalised",
            seed=seed,
        )
        for seed in (0, 1)
    ]
    names = {monitor_of(each) for each in long}
    assert len(names) == 2
    assert {len(each) for each in names} == {63}
    short = RunKey(dataset="digits", network="csba_cnn")
    assert monitor_of(short) == short.slug

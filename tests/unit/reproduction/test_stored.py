import pytest

from interference_service.reproduction.plan import Plan
from interference_service.reproduction.records import RunKey
from interference_service.reproduction.stored import (
    StoredRunUnusable,
    check,
    directory_of,
    stored_run,
    stored_runs,
)
from support.reproduced import BUDGET, record


def stored(out, **changes):
    found = record(**changes)
    found.save(directory_of(out, found.key) / "record.json")
    return found


def test_what_was_stored_is_found_again(tmp_path):
    found = stored(tmp_path)
    assert stored_run(tmp_path, found.key) == found
    assert stored_runs(tmp_path) == [found]
    assert stored_run(tmp_path, found.key.model_copy(update={"seed": 1})) is None


def test_the_same_settings_are_gone_on_with(tmp_path):
    found = stored(tmp_path, epochs=1)
    check(tmp_path, Plan((found.key, RunKey(dataset="digits", network="csba_cnn")), BUDGET), "cpu")


def test_other_settings_are_refused_with_what_differs(tmp_path):
    found = stored(tmp_path)
    other = BUDGET.model_copy(update={"epochs": 5, "learning_rate": 0.3})
    with pytest.raises(StoredRunUnusable) as caught:
        check(tmp_path, Plan((found.key,), other), "cpu")
    text = str(caught.value)
    assert found.key.slug in text
    assert "epochs 2, now 5; learning_rate 0.1, now 0.3." in text
    assert "batch" not in text


def test_half_a_training_is_not_gone_on_with_on_another_device(tmp_path):
    found = stored(tmp_path, epochs=1)
    with pytest.raises(StoredRunUnusable, match="device 'cpu', now 'a GPU'"):
        check(tmp_path, Plan((found.key,), BUDGET), "a GPU")


def test_a_finished_training_is_taken_from_any_device(tmp_path):
    found = stored(tmp_path)
    check(tmp_path, Plan((found.key,), BUDGET), "a GPU")


@pytest.mark.parametrize("text", ["", "{", "{}", '{"key": 1}'])
def test_a_damaged_record_is_named(tmp_path, text):
    found = stored(tmp_path)
    path = directory_of(tmp_path, found.key) / "record.json"
    path.write_text(text)
    with pytest.raises(StoredRunUnusable, match=r"record\.json is no record of a training"):
        stored_run(tmp_path, found.key)
    with pytest.raises(StoredRunUnusable):
        stored_runs(tmp_path)

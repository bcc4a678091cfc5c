"""Files that change while the service runs."""

from pathlib import Path

import pytest
import structlog

from interference_service.domain.access import Source
from interference_service.security.watched import UnusableFile, Watched, read_bytes
from support.access import Failures, replace


class Numbers:
    """Reads a number from each of two files, and counts how often."""

    def __init__(self, directory: Path) -> None:
        self.paths = directory / "one", directory / "other"
        self.reads = 0
        for path in self.paths:
            path.write_text("1")

    def __call__(self) -> list[int]:
        self.reads += 1
        try:
            return [int(read_bytes(path)) for path in self.paths]
        except ValueError as error:
            raise UnusableFile("is no number") from error


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return Numbers(tmp_path)


def watched(numbers: Numbers, failures: Failures) -> Watched[list[int]]:
    return Watched(Source.CERTIFICATE, numbers.paths, numbers, failures)


def test_files_are_read_once_while_they_stay_as_they_are(numbers):
    files = watched(numbers, Failures())
    assert [files.current() for _ in range(3)] == [[1, 1]] * 3
    assert numbers.reads == 1


def test_a_change_of_any_of_them_is_seen(numbers):
    files = watched(numbers, failures := Failures())
    replace(numbers.paths[1], "2")
    assert files.current() == [1, 2]
    numbers.paths[0].write_text("30")
    assert files.current() == [30, 2]
    assert failures == []


def test_what_cannot_be_used_is_complained_of_once_and_changes_nothing(numbers):
    files = watched(numbers, failures := Failures())
    with structlog.testing.capture_logs() as log:
        replace(numbers.paths[0], "secret")
        assert [files.current() for _ in range(3)] == [[1, 1]] * 3
    assert failures == [Source.CERTIFICATE]
    (line,) = log
    assert (line["log_level"], line["source"], line["why"]) == (
        "error",
        "certificate",
        "is no number",
    )


def test_a_file_that_is_gone_for_a_while_changes_nothing(numbers):
    files = watched(numbers, failures := Failures())
    numbers.paths[0].unlink()
    assert files.current() == [1, 1]
    assert failures == [Source.CERTIFICATE]
    numbers.paths[0].write_text("2")
    assert files.current() == [2, 1]


def test_a_link_that_points_elsewhere_is_a_change(numbers, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("2")
    files = watched(numbers, Failures())
    (link := tmp_path / "link").symlink_to(elsewhere)
    link.replace(numbers.paths[0])
    assert files.current() == [2, 1]


def test_what_cannot_be_used_at_first_is_an_error(numbers):
    numbers.paths[1].unlink()
    with pytest.raises(UnusableFile, match=r"other: cannot be read \(No such file or directory\)"):
        watched(numbers, Failures())

"""Lines of the log."""

import json
import logging
import sys
import threading
import warnings
from pathlib import Path

import pytest
import structlog
from opentelemetry.util.re import parse_env_headers

from interference_service.telemetry.logs import AUDIT_LOGGER, Seldom, configure_logging
from support.spans import TRACE_ID, TRACE_PARENT, Recording


@pytest.fixture(autouse=True)
def logging_as_it_was():
    root, ray = logging.getLogger(), logging.getLogger("ray")
    handlers, level = root.handlers[:], root.level
    rays, hooks = ray.handlers[:], (sys.excepthook, threading.excepthook)
    root.handlers = []
    structlog.contextvars.clear_contextvars()
    yield
    logging.captureWarnings(False)
    root.handlers, root.level, ray.handlers = handlers, level, rays
    sys.excepthook, threading.excepthook = hooks
    audit = logging.getLogger(AUDIT_LOGGER)
    for handler in audit.handlers[:]:
        audit.removeHandler(handler)
        handler.close()
    audit.propagate = True
    structlog.reset_defaults()


def lines(capsys) -> list[dict]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_is_one_json_object_with_what_surrounds_it(capsys):
    configure_logging("INFO", json=True)
    log = structlog.get_logger("some.module")
    with structlog.contextvars.bound_contextvars(job="projects/p/analysisJobs/a"):
        log.info("attempt_started", attempt=2, text="two\nlines")
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "attempt_started",
        "level": "info",
        "logger": "some.module",
        "job": "projects/p/analysisJobs/a",
        "attempt": 2,
        "text": "two\nlines",
    }


def test_lines_below_the_level_are_dropped(capsys):
    configure_logging("WARNING", json=True)
    log = structlog.get_logger("some.module")
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_libraries_log_in_the_same_format_and_the_same_surroundings(capsys):
    configure_logging("INFO", json=True)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        logging.getLogger("library").warning("pool of %s is full", 5)
    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["request_id"]) == (
        "pool of 5 is full",
        "library",
        "r1",
    )


def test_an_exception_is_part_of_its_line_without_local_variables(capsys):
    configure_logging("INFO", json=True)
    secret = "hunter2"
    try:
        int("bad value")
    except ValueError:
        structlog.get_logger("some.module").exception("scrape_failed")
    (line,) = lines(capsys)
    (error,) = line["exception"]
    assert error["exc_type"] == "ValueError"
    assert "bad value" in error["exc_value"]
    assert secret not in json.dumps(line)


def test_what_json_lacks_is_written_as_text(capsys):
    configure_logging("INFO", json=True)
    structlog.get_logger("some.module").info("seen", path={1})
    assert lines(capsys)[0]["path"] == "{1}"


def test_configuring_again_does_not_double_the_lines(capsys):
    configure_logging("INFO", json=True)
    configure_logging("INFO", json=True)
    structlog.get_logger("some.module").info("once")
    assert len(lines(capsys)) == 1


def test_for_people_the_line_is_text_without_colours_off_a_terminal(capsys):
    configure_logging("INFO", json=False)
    structlog.get_logger("some.module").info("attempt_started", attempt=2)
    text = capsys.readouterr().err
    assert "attempt_started" in text
    assert "attempt=2" in text
    assert "\x1b[" not in text


def audit_lines(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
def test_who_changed_what_is_logged_at_every_level(capsys, level):
    configure_logging(level, json=True)
    structlog.stdlib.get_logger(AUDIT_LOGGER).info("mutation", method="x")
    (line,) = lines(capsys)
    assert (line["logger"], line["method"]) == ("interference_service.audit", "x")


def test_who_changed_what_goes_to_a_file_of_its_own(capsys, tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    configure_logging("INFO", json=False, audit_file=path)
    with structlog.contextvars.bound_contextvars(principal="alice"):
        structlog.stdlib.get_logger(AUDIT_LOGGER).info("mutation")
    assert lines(capsys) == []
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["principal"] == "alice"


def test_a_file_that_is_moved_away_is_opened_anew(tmp_path: Path):
    path, moved = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1"
    configure_logging("INFO", json=True, audit_file=path)
    log = structlog.stdlib.get_logger(AUDIT_LOGGER)
    log.info("before")
    path.rename(moved)
    log.info("after")
    assert (audit_lines(moved), audit_lines(path)) == (["before"], ["after"])


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path):
    with pytest.raises(OSError, match="nowhere"):
        configure_logging("INFO", json=True, audit_file=tmp_path / "nowhere" / "audit.jsonl")


def test_a_library_that_brought_its_own_handlers_logs_in_the_same_format(capsys):
    ray = logging.getLogger("ray")
    ray.addHandler(logging.StreamHandler())
    ray.propagate = False
    configure_logging("INFO", json=True)
    logging.getLogger("ray.some.module").warning("a node has died", extra={"node": "n1"})
    (line,) = lines(capsys)
    assert (line["event"], line["node"]) == ("a node has died", "n1")


def test_the_time_that_ray_adds_to_every_record_is_left_out(monkeypatch, capsys):
    def as_ray_does(*arguments, **named) -> logging.LogRecord:
        record = logging.LogRecord(*arguments, **named)
        record.__dict__["_ray_timestamp_ns"] = 1
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", as_ray_does)
    configure_logging("INFO", json=True)
    logging.getLogger("any.library").warning("slow")
    (line,) = lines(capsys)
    assert "_ray_timestamp_ns" not in line


def test_warnings_are_lines(capsys):
    configure_logging("INFO", json=True)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    (line,) = lines(capsys)
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "DeprecationWarning: old" in line["event"]


def test_errors_that_nobody_caught_are_lines(capsys):
    configure_logging("INFO", json=True)
    thread = threading.Thread(target=int, args=("bad value",), name="worker")
    thread.start()
    thread.join()
    try:
        int("bad value")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    in_thread, in_main = lines(capsys)
    assert (in_thread["event"], in_thread["thread"]) == ("uncaught_in_thread", "worker")
    assert (in_main["event"], in_main["level"]) == ("uncaught", "critical")
    assert in_main["exception"][0]["exc_type"] == "ValueError"


def test_a_line_names_the_span_that_surrounds_it(capsys):
    configure_logging("INFO", json=True, traced=True)
    log = structlog.get_logger("some.module")
    recording = Recording()
    with recording.traces.serve("/a.Service/Method", (("traceparent", TRACE_PARENT),)):
        log.info("within")
        logging.getLogger("library").warning("within too")
    log.info("outside")
    *within, outside = lines(capsys)
    (span,) = recording.spans
    for line in within:
        assert (line["trace_id"], line["span_id"]) == (TRACE_ID, f"{span.context.span_id:016x}")
    assert not {"trace_id", "span_id"} & outside.keys()


def test_what_opentelemetry_complains_of_again_and_again_is_logged_once(capsys):
    configure_logging("INFO", json=True)
    exporter = logging.getLogger("opentelemetry.exporter.some")
    for attempt in range(50):
        exporter.warning("Transient error, retrying in %s", attempt)
        exporter.error("Failed to export")
        logging.getLogger("library").warning("full")
    told = [line["event"] for line in lines(capsys) if line["logger"] == exporter.name]
    assert told == ["Transient error, retrying in 0", "Failed to export"]


def test_headers_of_the_collector_that_cannot_be_read_are_not_repeated(capsys):
    configure_logging("INFO", json=True)
    assert not parse_env_headers("Bearer hunter2", liberal=True)
    (line,) = lines(capsys)
    assert "Header format invalid" in line["event"]
    assert "hunter2" not in json.dumps(line)


def test_it_is_logged_again_after_a_while():
    now = [0.0]
    seldom = Seldom("opentelemetry.", lambda: now[0])
    record = logging.makeLogRecord({"name": "opentelemetry.sdk", "msg": "Queue full"})
    passed = []
    for now[0] in (0.0, 59.0, 61.0, 62.0, 122.0):
        passed.append(seldom.filter(record))
    assert passed == [True, False, True, False, True]

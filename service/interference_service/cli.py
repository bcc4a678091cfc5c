"""The command line of the service: ``interference-service serve | check | token | …``."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from interference_service.errors import ServiceError
from interference_service.reproduction.arguments import (
    UsageError,
    add_reproduce,
    check_data,
    plan_asked_for,
)
from interference_service.reproduction.early_warning.command import add_parser as add_early_warning
from interference_service.settings import Settings

FAILURE = 1
USAGE_ERROR = 2
_MOST_DAYS = 3650


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ValidationError, SettingsError) as error:
        for each in _complaints(error):
            _complain(each)
        return USAGE_ERROR
    except UsageError as error:
        _complain(str(error))
        return USAGE_ERROR
    except (OSError, ServiceError) as error:
        _complain(str(error))
        return FAILURE


def _complaints(error: ValidationError | SettingsError) -> list[str]:
    """What does not fit, a variable a line."""
    if isinstance(error, SettingsError):
        return [f'{error}; it is JSON, as in INTERFERENCE_STORES=\'{{"models": "/srv/models"}}\'']
    return [
        f"INTERFERENCE_{'__'.join(str(part).upper() for part in each['loc'])}: {each['msg']}"
        for each in error.errors()
    ]


def _complain(text: str) -> None:
    sys.stderr.write(f"interference-service: {text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="interference-service",
        description="Says after every retraining whether majority classes unlearn a minority class. "
        "Configured by INTERFERENCE_… variables: `config` shows them, service/README.md explains them.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the service until SIGTERM")
    serve.add_argument("--ready-file", type=Path, help="write the addresses here once it answers")
    serve.set_defaults(command=_serve)
    migrate = commands.add_parser("migrate", help="bring the database to the newest schema")
    migrate.set_defaults(command=_migrate)
    _add_token(commands)
    check = commands.add_parser("check", help="look whether all is there that the service needs")
    check.add_argument("--no-cluster", action="store_true", help="leave out Ray, and buckets")
    check.add_argument("--ports", action="store_true", help="look whether the ports are free")
    check.add_argument("--json", action="store_true", help="one JSON document")
    check.set_defaults(command=_check)
    health = commands.add_parser(
        "healthcheck", help="ask the service on this machine whether it lives, as a probe"
    )
    health.add_argument(
        "--ready",
        action="store_const",
        const="/readyz",
        default="/healthz",
        dest="path",
        help="whether it takes work, rather than whether it lives",
    )
    health.set_defaults(command=_healthcheck)
    config = commands.add_parser("config", help="show the settings in effect, without secrets")
    config.set_defaults(command=_config)
    demo = commands.add_parser("demo", help="train, submit, look: the whole story in a minute")
    demo.add_argument("--directory", type=Path, help="keep everything here; else it is removed")
    demo.set_defaults(command=_demo)
    add_reproduce(commands, _reproduce)
    add_early_warning(commands)
    return parser


def _add_token(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    token = commands.add_parser("token", help="make tokens of callers")
    kinds = token.add_subparsers(required=True, metavar="command")
    new = kinds.add_parser("new", help="print a fresh token, once, and its line of the access file")
    new.add_argument("name", help="principal that the token stands for")
    new.add_argument(
        "--grant",
        action="append",
        required=True,
        type=_grant,
        metavar="PROJECT=ROLE",
        help="reader or writer in a project, or reader, writer or admin in every one: '*=admin'",
    )
    new.add_argument("--days", type=_days, help="until it expires; else it never does")
    new.add_argument("--file", type=Path, help="add the line to this file; else it is printed")
    new.set_defaults(command=_new_token)


def _grant(text: str) -> tuple[str, str]:
    project, separator, role = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not PROJECT=ROLE")
    return project, role


def _days(text: str) -> timedelta:
    days = float(text)
    if not 0 < days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most {_MOST_DAYS}")
    return timedelta(days=days)


# Each command imports what it needs: `migrate` starts without Ray, `serve` without scikit-learn.


def _serve(options: argparse.Namespace) -> int:
    from interference_service.main import serve

    serve(Settings(), options.ready_file)
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from interference_service.main import migrate

    migrate(Settings())
    return 0


def _new_token(options: argparse.Namespace) -> int:
    from interference_service.security.tokens import append_line, line_of, new_token

    token = new_token()
    expires = None
    if options.days is not None:
        expires = datetime.now(UTC).replace(microsecond=0) + options.days
    try:
        line = line_of(token, options.name, dict(options.grant), expires)
    except ValidationError as error:
        for each in error.errors(include_input=False):
            _complain(f"{'.'.join(map(str, each['loc']))}: {each['msg']}")
        return USAGE_ERROR
    if options.file is None:
        sys.stdout.write(f"{token}\n{line}\n")
        return 0
    append_line(options.file, line)
    sys.stdout.write(f"{token}\n")
    return 0


def _check(options: argparse.Namespace) -> int:
    from interference_service.diagnosis.check import Finding, Outcome
    from interference_service.diagnosis.report import report, tell_document, tell_line

    try:
        settings = Settings()
    except (ValidationError, SettingsError) as error:
        wrong = [Finding("configuration", Outcome.FAILED, each) for each in _complaints(error)]
        if options.json:
            tell_document(wrong)
        else:
            for each in wrong:
                tell_line(each)
        return FAILURE
    well = report(
        settings, cluster=not options.no_cluster, ports=options.ports, as_json=options.json
    )
    return 0 if well else FAILURE


def _healthcheck(options: argparse.Namespace) -> int:
    from interference_service.diagnosis.health import why_not

    try:
        telemetry = Settings().telemetry
    except (ValidationError, SettingsError) as error:
        # Docker gives statuses above 1 no meaning.
        for each in _complaints(error):
            _complain(each)
        return FAILURE
    why = why_not(telemetry, options.path)
    if why:
        _complain(why)
        return FAILURE
    sys.stdout.write("ok\n")
    return 0


def _config(_: argparse.Namespace) -> int:
    from interference_service.diagnosis.configuration import effective

    sys.stdout.write(json.dumps(effective(Settings()), indent=2) + "\n")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from interference_service.demo.story import tell

    return tell(options.directory)


def _reproduce(options: argparse.Namespace) -> int:
    from interference_service.reproduction import reproduce

    plan, out = plan_asked_for(options), options.out.resolve()
    if options.report_only:
        return reproduce.report_only(plan, out)
    check_data(options.data, options.dataset)
    device = reproduce.device_of(options.device)
    return reproduce.reproduce(
        reproduce.Reproduction(plan, options.data, out, device, options.target)
    )

"""The command line of the service: ``interference-service serve | migrate | token | demo``."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from interference_service.errors import ServiceError
from interference_service.settings import Settings

FAILURE = 1
USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ValidationError as error:
        for each in error.errors():
            name = "INTERFERENCE_" + "__".join(str(part).upper() for part in each["loc"])
            _complain(f"{name}: {each['msg']}")
        return USAGE_ERROR
    except SettingsError as error:
        _complain(f'{error}; it is JSON, as in INTERFERENCE_STORES=\'{{"models": "/srv/models"}}\'')
        return USAGE_ERROR
    except (OSError, ServiceError) as error:
        _complain(str(error))
        return FAILURE


def _complain(text: str) -> None:
    sys.stderr.write(f"interference-service: {text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="interference-service",
        description="Says after every retraining whether majority classes unlearn a minority class. "
        "Configured by INTERFERENCE_… variables; the README lists them.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the service until SIGTERM")
    serve.add_argument("--ready-file", type=Path, help="write the addresses here once it answers")
    serve.set_defaults(command=_serve)
    migrate = commands.add_parser("migrate", help="bring the database to the newest schema")
    migrate.set_defaults(command=_migrate)
    _add_token(commands)
    demo = commands.add_parser("demo", help="train, submit, look: the whole story in a minute")
    demo.add_argument("--directory", type=Path, help="keep everything here; else it is removed")
    demo.set_defaults(command=_demo)
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
    new.add_argument("--days", type=float, help="until it expires; else it never does")
    new.add_argument("--file", type=Path, help="add the line to this file; else it is printed")
    new.set_defaults(command=_new_token)


def _grant(text: str) -> tuple[str, str]:
    project, separator, role = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not PROJECT=ROLE")
    return project, role


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
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=options.days)
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


def _demo(options: argparse.Namespace) -> int:
    from interference_service.demo.story import tell

    return tell(options.directory)

"""The command line of the service: ``interference-service serve | migrate | demo``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

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
    except OSError as error:
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
    demo = commands.add_parser("demo", help="train, submit, look: the whole story in a minute")
    demo.add_argument("--directory", type=Path, help="keep everything here; else it is removed")
    demo.set_defaults(command=_demo)
    return parser


# Each command imports what it needs: `migrate` starts without Ray, `serve` without scikit-learn.


def _serve(options: argparse.Namespace) -> int:
    from interference_service.main import serve

    serve(Settings(), options.ready_file)
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from interference_service.main import migrate

    migrate(Settings())
    return 0


def _demo(options: argparse.Namespace) -> int:
    from interference_service.demo.story import tell

    return tell(options.directory)

"""``interference-service early-warning``: from trainings, or their records, to the page."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from interference_service.errors import InvalidData
from interference_service.reproduction.plan import BUDGETS

PAGE, DOCUMENT = "early-warning.md", "early-warning.json"
_HORIZONS = (1, 5, 20)
_DRAWS, _FEWEST_DRAWS = 2000, 100
_USAGE_ERROR = 2


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of the program."""
    parser = commands.add_parser(
        "early-warning", help="measure how well interference tells of minorities that fail"
    )
    parser.add_argument(
        "--runs",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="study the trainings in this directory, the `runs` of `reproduce`; may be repeated",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help=f"gets {PAGE} and {DOCUMENT}"
    )
    _add_training(parser)
    _add_study(parser)
    parser.set_defaults(command=run)


def _add_training(parser: argparse.ArgumentParser) -> None:
    training = parser.add_argument_group("trainings that are made first, and kept in OUT")
    training.add_argument(
        "--train", choices=BUDGETS, help="full: on a GPU; hour: on two cores; quick: a trial"
    )
    training.add_argument("--data", type=Path, metavar="DIR", help="where the data sets lie")
    training.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    training.add_argument(
        "--target",
        metavar="HOST:PORT",
        help="ask this service, whose store `reproduction` is OUT; else one is started",
    )


def _add_study(parser: argparse.ArgumentParser) -> None:
    study = parser.add_argument_group("how they are studied")
    study.add_argument(
        "--horizon",
        action="append",
        type=_at_least(1),
        metavar="EPOCHS",
        help=f"to look ahead; may be repeated (default: {', '.join(map(str, _HORIZONS))})",
    )
    study.add_argument(
        "--fails-below",
        type=_part,
        default=0.5,
        metavar="PART",
        help="of the mean recall of a training's classes; a class below it fails (default: 0.5)",
    )
    study.add_argument(
        "--draws",
        type=_at_least(_FEWEST_DRAWS),
        default=_DRAWS,
        help="of trainings, for intervals (default: %(default)s)",
    )
    study.add_argument("--seed", type=_at_least(0), default=0, help="of the draws (default: 0)")


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not {least} or more")
        return value

    return number


def _part(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 1")
    return value


def run(options: argparse.Namespace) -> int:
    """Train if asked to, make the study and write it; returns the exit status.

    Raises:
        InvalidData: There is nothing that can be studied.
    """
    if options.train is None:
        if not options.runs:
            sys.stderr.write("interference-service: --runs or --train must say what is studied\n")
            return _USAGE_ERROR
        return _study(options, options.runs)
    status = _train(options)
    if status > 1:
        return status
    return max(status, _study(options, [options.out / "runs", *options.runs]))


def _train(options: argparse.Namespace) -> int:
    from interference_service.reproduction.early_warning.training import train_all
    from interference_service.reproduction.reproduce import device_of

    device = device_of(options.device)
    if device is None:
        sys.stderr.write(
            "interference-service: --device is cuda, and torch finds no such device; "
            "auto trains without one\n"
        )
        return _USAGE_ERROR
    out = options.out.resolve()
    return train_all(options.train, options.data, out, device, options.target)


def _study(options: argparse.Namespace, directories: list[Path]) -> int:
    from interference_service.reproduction.early_warning.document import document
    from interference_service.reproduction.early_warning.page import page
    from interference_service.reproduction.early_warning.reading import records_below
    from interference_service.reproduction.early_warning.study import Settings, study
    from interference_service.reproduction.files import write_atomically

    records = records_below(directories)
    horizons = tuple(sorted(set(options.horizon or _HORIZONS)))
    found = study(records, Settings(horizons, options.fails_below, options.draws, options.seed))
    if not found.datasets:
        raise InvalidData(
            f"--runs: of {len(records)} trainings none is finished, analysed after its first "
            "epoch, and trained by cross-entropy and mean gradients"
        )
    for name, text in ((PAGE, page(found)), (DOCUMENT, document(found))):
        write_atomically(options.out / name, text.encode())
        sys.stdout.write(f"{options.out / name}\n")
    return 0

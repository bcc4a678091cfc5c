"""``interference-service early-warning``: from trainings, or their records, to the page."""

import argparse
import sys
from pathlib import Path

from interference_service.errors import InvalidData
from interference_service.reproduction.arguments import (
    UsageError,
    add_machines,
    check_data,
    real_number,
    whole_number,
)
from interference_service.reproduction.plan import BUDGETS

PAGE, DOCUMENT = "early-warning.md", "early-warning.json"
_HORIZONS = (1, 5, 20)
_DRAWS, _FEWEST_DRAWS = 2000, 100


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
    add_machines(training)


def _add_study(parser: argparse.ArgumentParser) -> None:
    study = parser.add_argument_group("how they are studied")
    study.add_argument(
        "--horizon",
        action="append",
        type=whole_number(1),
        metavar="EPOCHS",
        help=f"to look ahead; may be repeated (default: {', '.join(map(str, _HORIZONS))})",
    )
    study.add_argument(
        "--fails-below",
        type=real_number(lambda value: 0 < value <= 1, "above 0 and at most 1"),
        default=0.5,
        metavar="PART",
        help="of the mean recall of a training's classes; a class below it fails (default: 0.5)",
    )
    study.add_argument(
        "--draws",
        type=whole_number(_FEWEST_DRAWS),
        default=_DRAWS,
        help="of trainings, for intervals (default: %(default)s)",
    )
    study.add_argument("--seed", type=whole_number(0), default=0, help="of the draws (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Train if asked to, make the study and write it; returns the exit status.

    Raises:
        InvalidData: There is nothing that can be studied.
        UsageError: It is not said what is studied.
    """
    if options.train is None:
        if not options.runs:
            raise UsageError("--runs or --train must say what is studied")
        return _study(options, options.runs)
    status = _train(options)
    if status > 1:
        return status
    return max(status, _study(options, [options.out / "runs", *options.runs]))


def _train(options: argparse.Namespace) -> int:
    from interference_service.reproduction.early_warning.trainings import PARTS, plans, train_all
    from interference_service.reproduction.reproduce import device_of

    check_data(options.data, *(part.dataset for part in PARTS[options.train]))
    device = device_of(options.device)
    out = options.out.resolve()
    wanted = plans(options.train, mixed_precision=options.mixed_precision)
    return train_all(wanted, options.data, out, device, options.target)


def _study(options: argparse.Namespace, directories: list[Path]) -> int:
    from interference_service.reproduction.early_warning.page import document, page
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

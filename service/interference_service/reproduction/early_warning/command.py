"""``interference-service early-warning``: from the records of trainings to the page."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from interference_service.errors import InvalidData

PAGE, DOCUMENT = "early-warning.md", "early-warning.json"
_HORIZONS = (1, 5, 20)
_DRAWS, _FEWEST_DRAWS = 2000, 100


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Tell the command line of the command."""
    parser = commands.add_parser(
        "early-warning",
        help="measure how early and how surely interference tells of minorities that fail, "
        "from the records of trainings",
    )
    parser.add_argument(
        "--runs",
        action="append",
        required=True,
        type=Path,
        metavar="DIR",
        help="with a directory for every training, as `reproduce` leaves them; may be repeated",
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help=f"gets {PAGE} and {DOCUMENT}"
    )
    parser.add_argument(
        "--horizon",
        action="append",
        type=_at_least(1),
        metavar="EPOCHS",
        help="to look ahead; may be repeated; default: "
        f"{', '.join(map(str, _HORIZONS))}, of which those that no training reaches are left out",
    )
    parser.add_argument(
        "--fails-below",
        type=_part,
        default=0.5,
        metavar="PART",
        help="of the mean recall of a training's classes, below which a class fails; "
        "default: %(default)s",
    )
    parser.add_argument(
        "--draws",
        type=_at_least(_FEWEST_DRAWS),
        default=_DRAWS,
        help="of trainings, for intervals; default: %(default)s",
    )
    parser.add_argument(
        "--seed", type=_at_least(0), default=0, help="of the draws; default: %(default)s"
    )
    parser.set_defaults(command=run)


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
    """Make the study and write it; returns the exit status.

    Raises:
        InvalidData: There is nothing that can be studied.
    """
    from interference_service.reproduction.early_warning.document import document
    from interference_service.reproduction.early_warning.page import page
    from interference_service.reproduction.early_warning.reading import records_below
    from interference_service.reproduction.early_warning.study import Settings, study
    from interference_service.reproduction.files import write_atomically

    records = records_below(options.runs)
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

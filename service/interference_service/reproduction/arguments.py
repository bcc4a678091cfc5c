"""The arguments of ``interference-service reproduce``."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from interference_service.reproduction.plan import (
    BUDGETS,
    COMPARED,
    NETWORKS,
    Plan,
    budget_of,
    plan_of,
)
from interference_service.reproduction.records import DatasetName, GradientRule, Loss

_NEEDS_NO_DATA: DatasetName = "digits"


class UsageError(Exception):
    """Arguments that cannot be together, or not on this machine; the message says why."""


def add_reproduce(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    command: Callable[[argparse.Namespace], int],
) -> None:
    """Add the command to those of the program."""
    parser = commands.add_parser(
        "reproduce", help="train the paper's networks, analyse them on the way, report"
    )
    parser.add_argument("dataset", choices=get_args(DatasetName), help="the images to train on")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="keep everything here, go on here"
    )
    add_machines(parser)
    _add_runs(parser)
    _add_budget(parser)
    parser.add_argument(
        "--report-only", action="store_true", help="train nothing, report what is there"
    )
    parser.set_defaults(command=command)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    runs = parser.add_argument_group("what is trained: every network with every loss and rule")
    runs.add_argument(
        "--seeds", type=whole_number(1), default=3, metavar="N", help="how many (default: 3)"
    )
    runs.add_argument(
        "--networks",
        nargs="+",
        choices=NETWORKS,
        default=COMPARED,
        help=f"default: {', '.join(COMPARED)}",
    )
    runs.add_argument(
        "--losses",
        nargs="+",
        choices=get_args(Loss),
        default=("cross_entropy",),
        help="default: cross_entropy",
    )
    runs.add_argument(
        "--gradients",
        nargs="+",
        choices=get_args(GradientRule),
        default=("mean",),
        help="how the gradients of classes become a step (default: mean)",
    )
    runs.add_argument(
        "--mitigations",
        action="store_true",
        help="beside it the baseline with every other loss and rule for gradients",
    )
    runs.add_argument(
        "--imbalance",
        type=real_number(lambda value: 1 <= value < math.inf, "a number of 1 (balanced) or more"),
        metavar="RATIO",
        help="rows of the largest class over those of the smallest; else the data set's own",
    )


def _add_budget(parser: argparse.ArgumentParser) -> None:
    budget = parser.add_argument_group("what a training may take, the same for all")
    budget.add_argument(
        "--budget",
        choices=BUDGETS,
        default="full",
        help="full: on a GPU (default); hour: on two cores; quick: to see that it runs",
    )
    budget.add_argument(
        "--epochs", type=whole_number(1), metavar="N", help="else those of the budget"
    )
    budget.add_argument(
        "--analyse-every",
        type=whole_number(0),
        metavar="N",
        help="epochs between analyses, else as the budget has it; 0: no analysis",
    )
    budget.add_argument(
        "--learning-rate",
        type=real_number(lambda value: 0 < value < math.inf, "a number above 0"),
        metavar="RATE",
        help="the highest, else that of the budget",
    )
    budget.add_argument(
        "--no-augmentation", action="store_true", help="train on the images as they are"
    )


def plan_asked_for(options: argparse.Namespace) -> Plan:
    """The trainings that the arguments ask for."""
    budget = budget_of(
        options.dataset,
        options.budget,
        epochs=options.epochs,
        analyse_every=options.analyse_every,
        learning_rate=options.learning_rate,
        augment=not options.no_augmentation,
        mixed_precision=options.mixed_precision,
    )
    return plan_of(
        options.dataset,
        budget,
        seeds=options.seeds,
        networks=options.networks,
        losses=options.losses,
        gradients=options.gradients,
        mitigations=options.mitigations,
        imbalance=options.imbalance,
    )


def check_data(data: Path | None, *datasets: DatasetName) -> None:
    """Refuse to look for data sets nowhere.

    Raises:
        UsageError: It is not said where they lie, and one of them must lie somewhere.
    """
    wanted = dict.fromkeys(each for each in datasets if each != _NEEDS_NO_DATA)
    if data is None and wanted:
        lie = "lie" if len(wanted) > 1 else "lies"
        raise UsageError(f"--data must say where {' and '.join(wanted)} {lie}")


def add_machines(parser: argparse._ActionsContainer) -> None:
    """Where the data are, where networks are trained, and who analyses them."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="where the image sets lie; digits need none"
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to train; auto: on a GPU if there is one (default)",
    )
    parser.add_argument(
        "--mixed-precision",
        action="store_true",
        help="train in 16 bits where that loses little: faster on a GPU, and on a CPU that "
        "computes in bfloat16",
    )
    parser.add_argument(
        "--target",
        metavar="HOST:PORT",
        help="ask this service, whose store `reproduction` is OUT; else one is started",
    )


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an argument that is so much or more."""

    def number(text: str) -> int:
        # isdecimal: int() would take a sign, and an underscore between digits.
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
        return int(text)

    return number


def real_number(fits: Callable[[float], bool], wanted: str) -> Callable[[str], float]:
    """The type of an argument that fits; ``wanted`` says in words what does."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return number

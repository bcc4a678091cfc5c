"""The arguments of ``interference-service reproduce``."""

import argparse
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

_NEEDS_NO_DATA = "digits"


def add_reproduce(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    command: Callable[[argparse.Namespace], int],
) -> None:
    """Add the command to those of the program."""
    parser = commands.add_parser(
        "reproduce", help="train the paper's networks, analyse them on the way, report"
    )
    parser.add_argument("dataset", choices=get_args(DatasetName))
    parser.add_argument("--data", type=Path, help="where the data set lies; digits need none")
    parser.add_argument("--out", type=Path, required=True, help="keep everything here")
    _add_runs(parser)
    _add_budget(parser)
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train"
    )
    parser.add_argument(
        "--target",
        metavar="HOST:PORT",
        help="ask this service, whose store `reproduction` is OUT; else one is started",
    )
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    parser.set_defaults(command=command)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    runs = parser.add_argument_group("what is trained: each with each")
    runs.add_argument("--seeds", type=_count, default=3, help="how many (default: 3)")
    runs.add_argument("--networks", nargs="+", choices=NETWORKS, default=COMPARED)
    runs.add_argument("--losses", nargs="+", choices=get_args(Loss), default=("cross_entropy",))
    runs.add_argument("--gradients", nargs="+", choices=get_args(GradientRule), default=("mean",))
    runs.add_argument(
        "--mitigations",
        action="store_true",
        help="beside it the baseline with every other loss and rule for gradients",
    )
    runs.add_argument(
        "--imbalance",
        type=_imbalance,
        help="rows of the largest class over those of the smallest; else the data set's own",
    )


def _add_budget(parser: argparse.ArgumentParser) -> None:
    budget = parser.add_argument_group("what a training may take, the same for all")
    budget.add_argument("--budget", choices=BUDGETS, default="full")
    budget.add_argument("--epochs", type=_count)
    budget.add_argument(
        "--analyse-every", type=_count_or_none, metavar="N", help="epochs; 0: never"
    )
    budget.add_argument("--mixed-precision", action="store_true", help="on a GPU")


def plan_asked_for(options: argparse.Namespace) -> Plan:
    """The trainings that the arguments ask for."""
    budget = budget_of(
        options.dataset,
        options.budget,
        epochs=options.epochs,
        analyse_every=options.analyse_every,
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


def lacks_data(options: argparse.Namespace) -> bool:
    """Whether the arguments do not say where the data set lies, and must."""
    return options.data is None and options.dataset != _NEEDS_NO_DATA and not options.report_only


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or more")
    return number


def _count_or_none(text: str) -> int:
    return 0 if text == "0" else _count(text)


def _imbalance(text: str) -> float:
    number = float(text)
    if not 1 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 (balanced) or more")
    return number

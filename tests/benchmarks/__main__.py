"""``make bench``: the cost of the gradients of all classes, in plain forward and backward passes."""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks import waiting
from benchmarks.networks import LARGE, NETWORKS, SMALL
from benchmarks.page import Line, page
from benchmarks.parts import PARTS
from benchmarks.plan import SETS, orders
from benchmarks.process import answered
from benchmarks.ways import WAYS

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    """Run what is asked for and print its tables."""
    options = _options()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device here: nothing is measured")  # noqa: T201
        return
    networks = options.network or (SMALL if options.device == "cpu" else SMALL + LARGE)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as archives:
        for order in orders(options, networks, archives):
            lines.append(Line(order, answered(order)))
            print(lines[-1], file=sys.stderr, flush=True)  # noqa: T201
    text = page(lines, device=options.device, seed=options.seed, repetitions=options.repetitions)
    if "waiting" in options.only and options.device == "cpu":
        text += "\n".join(["", *waiting.section()])
    print(text)  # noqa: T201
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        default=["engines", "alternatives", "parts", "waiting"],
        choices=["engines", "alternatives", "parts", "waiting", *WAYS, *PARTS],
    )
    parser.add_argument(
        "--network", nargs="+", choices=list(NETWORKS), help="default: the small ones"
    )
    parser.add_argument(
        "--classes", nargs="+", type=int, default=[], choices=sorted({each for each, _ in SETS})
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--longest-seconds", type=float, default=40.0, help="of one measurement; longer: left out"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()

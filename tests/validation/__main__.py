"""Runs the studies and writes their tables; ``make validate``."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from support.real_data import VARIABLE
from validation import networks, synthetic
from validation.tables import network_page, synthetic_page
from validation.tally import SketchTally, Tally

HERE = Path(__file__).parent
SEED = 1
EPOCHS = (0, 1, 5, 20, 40)
NETWORK_ROWS = (8, 16, 32, 64, 256)
SKETCHED_EPOCHS = (1, 20)
SKETCHED_ROWS = (16, 256)
SKETCH_WIDTHS = (512, 2048)
NOISE = (1.0, 36.0, 400.0)
LEAST_ROWS = (8, 32, 128)


def main() -> None:
    """Run what can be run here."""
    parser = argparse.ArgumentParser(prog="validation", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=800, help="analyses of a regime")
    repetitions = parser.parse_args().repetitions
    write("synthetic.md", synthetic_study(repetitions))
    named = os.environ.get(VARIABLE)
    if not named:
        print(f"{VARIABLE} names no directory with image sets: networks.md stays as it is")  # noqa: T201
        return
    write("networks.md", network_study(Path(named), repetitions // 4))


def write(name: str, text: str) -> None:
    """Put a page beside this file, and say so."""
    (HERE / name).write_text(text, encoding="utf-8")
    print(text)  # noqa: T201


def synthetic_study(repetitions: int) -> str:
    """Every regime, and findings with and without interference."""
    regimes = synthetic.REGIMES
    seeds = [SEED + index for index in range(len(regimes))]
    cases = [(noise, rows) for noise in NOISE for rows in LEAST_ROWS]
    with ProcessPoolExecutor() as pool:
        tallies = list(pool.map(synthetic.tally, regimes, [repetitions] * len(regimes), seeds))
        found = list(
            pool.map(
                synthetic.discoveries,
                [noise for noise, _ in cases],
                [rows for _, rows in cases],
                [repetitions] * len(cases),
                [SEED + 2 * index for index in range(len(cases))],
            )
        )
    return synthetic_page(regimes, tallies, cases, found, repetitions=repetitions, seed=SEED)


def network_study(directory: Path, repetitions: int) -> str:
    """Every stage of the training of one network."""
    torch.set_num_threads(os.cpu_count() or 1)
    rows: list[tuple[int, int, float, Tally]] = []
    sketches: list[tuple[int, int, int, SketchTally]] = []
    for epoch, population in networks.populations(directory, EPOCHS, SEED):
        tally = partial(_tally, population, repetitions)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            tallies = list(pool.map(tally, NETWORK_ROWS))
        noise = float(np.median(population.noise()[population.minorities]))
        rows += [(epoch, n, noise, each) for n, each in zip(NETWORK_ROWS, tallies, strict=True)]
        if epoch in SKETCHED_EPOCHS:
            sketches += [
                (epoch, n, width, _sketch_tally(population, repetitions, n, width))
                for n in SKETCHED_ROWS
                for width in SKETCH_WIDTHS
            ]
    return network_page(rows, sketches, repetitions=repetitions, seed=SEED)


def _sketch_tally(
    population: networks.Population, repetitions: int, rows: int, width: int
) -> SketchTally:
    counts, truth = SketchTally(), population.truth()
    for exact, sketched in population.sketched_analyses(rows, width, repetitions, SEED + rows):
        counts.add(exact, sketched, truth)
    return counts


def _tally(population: networks.Population, repetitions: int, rows: int) -> Tally:
    counts, truth = Tally(), population.truth()
    for found in population.analyses(rows, repetitions, SEED + rows):
        counts.add(found, truth)
    return counts


if __name__ == "__main__":
    main()

"""``make bench``: every benchmark, as ratios against the unavoidable cost."""

import torch
from rich.console import Console
from rich.table import Table

from benchmarks import engines


def main() -> None:
    """Run the benchmarks and print a table."""
    torch.set_num_threads(1)
    table = Table(title="Gradients of all classes and folds, in plain forward+backward passes")
    for heading in ("network", "classes", "least", "median", "target"):
        table.add_column(heading, justify="right")
    for name, build in (("CNN", engines.convolutional), ("MLP", engines.perceptron)):
        for classes in (10, 100):
            least, median = engines.ratio(build, classes)
            table.add_row(name, str(classes), f"{least:.2f}", f"{median:.2f}", "1.10")
    Console().print(table)


if __name__ == "__main__":
    main()

"""``make bench-service``: latencies, watches, streams, scrapes and memory of a real service."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.service import parts
from benchmarks.service.page import Line, page
from benchmarks.service.scrapes import scrapes
from benchmarks.service.soak import soaked

RESULTS = Path(__file__).with_name("service.md")
PARTS = ("unary", "submits", "watches", "streams", "scrapes", "soak")


def main() -> None:
    """Measure what is asked for and print the page."""
    options = _options()
    lines = []
    for line in _lines(options):
        print(line, file=sys.stderr, flush=True)  # noqa: T201
        lines.append(line)
    database = options.database_url.partition(":")[0].partition("+")[0] or "sqlite"
    text = page(lines, database)
    print(text)  # noqa: T201
    if options.write:
        RESULTS.write_text(text, encoding="utf-8")


def _lines(options: argparse.Namespace) -> Iterator[Line]:
    if "unary" in options.only:
        yield from parts.unary(options.seconds)
    if "submits" in options.only:
        yield from parts.submits(options.seconds, options.database_url)
    if "watches" in options.only:
        yield from parts.watches(options.seconds)
    if "streams" in options.only:
        yield from parts.streams()
    if "scrapes" in options.only:
        yield from scrapes()
    if "soak" in options.only:
        yield from soaked(options.minutes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.service", description=__doc__)
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one measurement")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument(
        "--database-url", default="", help="an empty database for the submissions; else SQLite"
    )
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()

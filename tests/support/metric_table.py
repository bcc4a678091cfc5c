"""Where the table of metrics stands; run as a module, it writes it there."""

from pathlib import Path

from interference_service.core.metrics.table import with_table

README = Path(__file__).parents[2] / "service/interference_service/core/README.md"

if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")

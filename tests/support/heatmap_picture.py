"""The picture of the README: the matrix of the demo's digits; run as a module, it draws it anew."""

import re
import tempfile
from pathlib import Path

from interference_client import Client, ModelReference, Options, ParquetData, image
from interference_client._report import html_report
from interference_service.demo import training
from interference_service.demo.server import running_service

PICTURE = Path(__file__).parents[2] / "client" / "heatmap.svg"
_PAPER = '<rect width="100%" height="100%" fill="#fff"/>'
"""The report is white; where the picture stands alone, its page may be dark."""


def drawn(home: Path) -> str:
    """Train, analyse, and take the picture out of the client's report."""
    data = training.long_tail()
    model, _ = training.train(data)
    training.export(model, home / "digits.pt2")
    training.write_rows(data, home / "digits.parquet")
    shades = image("image", mode="grey", mean=(training.MEAN,), std=(training.DEVIATION,))
    with running_service(home, {"demo": home}) as service, Client(service.grpc) as client:
        job = client.submit(
            model=ModelReference("demo://digits.pt2", monitor="digits", version="v1"),
            data=ParquetData(
                "demo://digits.parquet",
                label="label",
                inputs={"input": shades},
                class_names=[str(label) for label in range(10)],
            ),
            options=Options(folds=8),
        ).wait(timeout=600)
        report = html_report(job.snapshot, job.result())
    found = re.search(r"<svg.*?</svg>", report, re.DOTALL)
    assert found is not None, "a report has a picture"
    return found[0].replace("</title>", f"</title>{_PAPER}", 1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        PICTURE.write_text(f"{drawn(Path(name))}\n", "utf-8")

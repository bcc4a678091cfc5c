"""One result as a file that stands for itself: Markdown or HTML, without scripts or other files."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from interference_client._heatmap import heatmap_svg
from interference_client._matrix_stream import Matrix
from interference_client._tables import (
    UNDETERMINED,
    Cell,
    Column,
    Table,
    largest_and_smallest,
    tables_of,
    verdict_table,
)
from interference_client.result import SHARED, Result
from interference_client.values import JobSnapshot

_MOST_CLASSES = 32
_MATRIX = "Gradient Conflict Matrix"
_NOTE = (
    f"Cosines between the classes' gradients, corrected for sampling noise. Below 0 two classes pull "
    f"against each other. {UNDETERMINED}: too few rows to say."
)
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}td,th{padding:.2rem .8rem;text-align:left;"
    "border-bottom:1px solid #ddd}.r{text-align:right;font-variant-numeric:tabular-nums}"
    ".good{color:#1a7f37}.bad{color:#b2182b;font-weight:bold}.doubtful{color:#9a6700}"
    "figure{margin:0;overflow-x:auto}svg{max-width:100%;height:auto}"
)

Draw = Callable[[JobSnapshot, Result], str]


def markdown_report(job: JobSnapshot, result: Result) -> str:
    """The report as Markdown, with the matrix as a table."""
    cosines, shown = _matrix(result)
    tables = [_facts(job, result), *_verdict(job), _matrix_table(result, cosines, shown)]
    parts = [f"# {_plain(_title(job))}"]
    for table in [*tables, *tables_of(result)]:
        parts += [f"## {_plain(table.title)}", *([_NOTE] if table.title == _MATRIX else [])]
        parts.append(_markdown(table))
    return "\n\n".join([*parts, *_left_out(result, shown)]) + "\n"


def html_report(job: JobSnapshot, result: Result) -> str:
    """The report as HTML, with the matrix as a picture."""
    cosines, shown = _matrix(result)
    title = escape(_title(job))
    picture = heatmap_svg(cosines, result.class_names, shown)
    tables = [_facts(job, result), *_verdict(job)]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>",
            *map(_html, tables),
            f"<h2>{_MATRIX}</h2><p>{escape(_NOTE)}</p><figure>{picture}</figure>",
            *(f"<p>{escape(each)}</p>" for each in _left_out(result, shown)),
            *map(_html, tables_of(result)),
            "</body></html>\n",
        ]
    )


REPORTS: Mapping[str, Draw] = {"markdown": markdown_report, "html": html_report}


def _title(job: JobSnapshot) -> str:
    return " ".join(part for part in (job.monitor, job.version) if part) or job.name


def _matrix(result: Result) -> tuple[Matrix, Sequence[int]]:
    return result.conflict(SHARED), largest_and_smallest(result, _MOST_CLASSES)


def _facts(job: JobSnapshot, result: Result) -> Table:
    """What was analysed, and how."""
    read = job.resolved_inputs
    facts = {
        "job": job.name,
        "ended": job.end_time.isoformat(timespec="seconds") if job.end_time else "",
        "model": f"{read.model_uri} {read.model_digest}".strip() if read else "",
        "data": read.data_digest if read else "",
        "rows used": f"{read.rows_used:,} of {read.row_count:,}" if read else "",
        "confidence level": f"{result.method['confidence_level']:g}",
        "engine": f"{result.method['engine_version']} on {result.method['device']}",
        "sampling": result.sampling_outcome.replace("_", " "),
    }
    if previous := result.previous:
        differing = ", ".join(previous.differing_fields)
        facts["previous analysis"] = f"{previous.version} {previous.job}".strip()
        facts["not comparable with it in"] = differing
    rows = tuple((Cell(name), Cell(value)) for name, value in facts.items() if value)
    return Table("What was analysed", (Column("fact"), Column("value")), rows)


def _verdict(job: JobSnapshot) -> list[Table]:
    return [verdict_table(job.verdict)] if job.verdict and job.verdict.gates else []


def _matrix_table(result: Result, cosines: Matrix, shown: Sequence[int]) -> Table:
    names = result.class_names
    rows = tuple(
        (Cell(names[row]), *(Cell(_number(cosines[row, column])) for column in shown))
        for row in shown
    )
    heads = (Column(""), *(Column(names[column], right=True) for column in shown))
    return Table(_MATRIX, heads, rows)


def _number(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else UNDETERMINED


def _left_out(result: Result, shown: Sequence[int]) -> list[str]:
    count = len(result.class_names)
    if len(shown) == count:
        return []
    return [f"The matrix shows {len(shown)} of {count} classes: the largest and the smallest."]


def _markdown(table: Table) -> str:
    lines = [
        [each.heading for each in table.columns],
        ["---:" if each.right else "---" for each in table.columns],
        *([each.text for each in row] for row in table.rows),
    ]
    return "\n".join(
        f"| {' | '.join(line if number == 1 else map(_plain, line))} |"
        for number, line in enumerate(lines)
    )


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table."""
    flat = " ".join(text.split())
    return "".join(f"\\{each}" if each in r"\`*_{}[]<>#|~&!" else each for each in flat)


def _html(table: Table) -> str:
    sides = ['class="r"' if each.right else "" for each in table.columns]
    heads = "".join(
        f"<th {side}>{escape(each.heading)}</th>"
        for side, each in zip(sides, table.columns, strict=True)
    )
    rows = "".join(
        f"<tr>{''.join(_html_cell(*each) for each in zip(row, table.columns, strict=True))}</tr>"
        for row in table.rows
    )
    return f"<h2>{escape(table.title)}</h2><table><tr>{heads}</tr>{rows}</table>"


def _html_cell(cell: Cell, column: Column) -> str:
    classes = " ".join(each for each in ("r" if column.right else "", cell.tone) if each)
    return f'<td class="{classes}">{escape(cell.text)}</td>'

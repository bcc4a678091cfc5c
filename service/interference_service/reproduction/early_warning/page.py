"""What is written of the study, a page and a document: the same for the same records."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import TypeAlias

from interference_service.reproduction.early_warning import tables
from interference_service.reproduction.early_warning.estimates import LEAST_RUNS
from interference_service.reproduction.early_warning.outcomes import LEVEL
from interference_service.reproduction.early_warning.sentences import sentences
from interference_service.reproduction.early_warning.study import Content, DatasetFindings, Study
from interference_service.reproduction.intervals import CONFIDENCE_LEVEL

Json: TypeAlias = "dict[str, Json] | list[Json] | tuple[Json, ...] | str | float | int | None"

_READING = f"""\
Rows are minorities of a training after an epoch that was analysed, before the last. Every signal is turned so that more is healthier; then the AUC is
the chance that of two rows the one that fails, or falls, looks less healthy (0.5: chance), and the correlation is Spearman's, with the recall to
come or with the fall of the held-out loss until then. *fails*: recall at the end below a part of the mean of the run's classes, told above. *falls in h*: h epochs on
fewer held-out rows are recognised, by Fisher's exact test at {LEVEL:.0%}, among rows with enough recall to lose. *alike*: only rows of one class,
imbalance and epoch are compared, in different trainings, so that neither the class, nor its share, nor the time can tell. In brackets the
{CONFIDENCE_LEVEL:.0%} interval by draws of whole trainings; “(none)”: fewer than {LEAST_RUNS} trainings are on a side, or all draws agree. Intervals hold one by one, not all at once.
Below headings: rows that have the outcome, of all. Held-out loss and recall need labelled rows that the network was not trained on; the service needs none.
Nothing is compared with today's loss and recall in telling how much the loss falls: today's loss is a part of that, and falls more where it is high by noise.
"""


def page(study: Study) -> str:
    """Everything for people, in Markdown."""
    settings, left_out = study.settings, study.left_out
    lines = [
        "# How early, and how surely, interference tells of minorities that fail",
        "",
        f"A minority fails whose recall at the end is below {settings.fails_below:g} of the mean of its training's classes. "
        f"{settings.draws} draws of trainings, seed {settings.seed}. Left out: {left_out.unfinished} trainings "
        f"that are unfinished, {left_out.not_analysed} without analyses, {left_out.other_update} with "
        "another loss or rule for gradients than analyses speak of.",
        "",
        _READING,
    ]
    for found in study.datasets:
        lines += _dataset(found)
    return "\n".join(lines)


def _dataset(found: DatasetFindings) -> Iterator[str]:
    yield from (f"## {found.dataset}", "", _content(found.content), "")
    yield from (f"- {each}" for each in sentences(found))
    if found.content.observations:
        yield from _predictions(found)
    yield from ("", "**Alerts where nothing is wrong**", "", *tables.alarms(found), "")


def _predictions(found: DatasetFindings) -> Iterator[str]:
    answers = tables.Answers(found)
    yield from ("", "**Which minorities will fail**", "", *tables.failure(answers))
    yield from ("", "**Recall at the end**", "", *tables.final_recall(answers))
    yield from ("", "**Some epochs on**", "", *tables.ahead(answers, found.horizons))
    yield from ("", "**How much the held-out loss falls**", "")
    yield from tables.easing(answers, found.horizons)
    yield from ("", "**Better than what is known without**", "")
    yield from tables.compared(answers, found.horizons)
    yield from ("", "**What is undetermined, counted either way**", "")
    yield from tables.undetermined(answers, found.content.observations)
    yield from ("", "**Alerts before the end; median and quartiles**", "")
    yield from tables.leads(found.warnings)


def _content(content: Content) -> str:
    imbalances = ", ".join(
        "its own" if each is None else f"{each:g}" for each in content.imbalances
    )
    epochs = ", ".join(map(str, content.epochs))
    return (
        f"{content.runs} trainings of {', '.join(content.networks)} for {epochs} epochs, imbalance "
        f"{imbalances}; {content.balanced_runs} of them balanced. {content.analyses} analyses. "
        f"Of {content.minorities} minorities, each of one training, {content.failing} fail. "
        f"{content.observations} rows before the end, {content.undetermined} of them without a "
        "progress ratio."
    )


def document(study: Study) -> str:
    """Every number for programs, in JSON; null where there is none."""
    return json.dumps(_without_nan(asdict(study)), indent=1, allow_nan=False) + "\n"


def _without_nan(value: Json) -> Json:
    match value:
        case dict():
            return {name: _without_nan(each) for name, each in value.items()}
        case list() | tuple():
            return [_without_nan(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value

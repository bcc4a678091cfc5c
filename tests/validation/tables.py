"""The pages that the studies leave."""

from collections.abc import Sequence

from interference_service.core.analysis import FEW_ROWS
from validation.synthetic import Discoveries, Regime
from validation.tally import SketchTally, Tally

OFTEN = 0.5
"""Share of determined pairs from which a regime's conditional numbers are judged."""

_COUNTED = "| determined | weak | plain bias | corrected bias | cosine | progress ratio | suppression | descent rate |"
_READING = """\
*determined*: pairs whose cosine was above the noise floor. *weak*: those of them that the service flags. *bias*: mean error of the cosine,
negative toward zero; *corrected* over the determined pairs. The last four: how often the 95 % interval held the truth, over the
determined pairs, the classes with a determined progress ratio (of both kinds), and all classes.
"""


def synthetic_page(
    regimes: Sequence[Regime],
    tallies: Sequence[Tally],
    cases: Sequence[tuple[float, int]],
    found: Sequence[Discoveries],
    *,
    repetitions: int,
    seed: int,
) -> str:
    """Tables of the study of drawn gradients."""
    lines = [
        "# Gradients with a known truth",
        "",
        f"Written by `make validate`; seed {seed}, {repetitions} analyses of every line.",
        "",
        "Two small classes, which a large one works against, in 400 dimensions and 8 folds. *noise*: tr Σ / ‖g‖² of a row.",
        "*spectrum*: exponent of the noise's variances along the axes (0: all alike; 1: effective rank 26). *tails*: light (normal), heavy",
        "(t with 3 degrees of freedom), rare (nine of ten rows have no gradient).",
        _READING,
        "| tails | spectrum | noise | rows " + _COUNTED,
        "| --- | ---: | ---: | ---: " + "| ---: " * 8 + "|",
        *(
            f"| {r.tails} | {r.spectrum:g} | {r.noise:g} | {r.rows} {_counts(each)}"
            for r, each in zip(regimes, tallies, strict=True)
        ),
        "",
        *_verdict(tallies, [each.rows for each in regimes]),
        "",
        "Ten classes with an imbalance of 100. *false alarms*: analyses that find a minority unlearned though all gradients are orthogonal.",
        "Then five of 45 pairs at a cosine of -0.4: *false*: share of false ones among the conflicts called; *found*: share of the real ones that are.",
        "",
        "| noise | rows of the least class | false alarms | false | found |",
        "| ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {noise:g} | {rows} | {each.false_alarms.value:.4f} | {each.false_share.value:.3f} | {each.found_share.value:.3f} |"
            for (noise, rows), each in zip(cases, found, strict=True)
        ),
        "",
    ]
    return "\n".join(lines)


def network_page(
    rows: Sequence[tuple[int, int, float, Tally]],
    sketches: Sequence[tuple[int, int, int, SketchTally]],
    *,
    repetitions: int,
    seed: int,
) -> str:
    """Tables of the study of a network.

    Args:
        rows: Epoch, rows of a minority, noise and counts.
        sketches: Epoch, rows of a minority, numbers kept of a layer and counts.
        repetitions: Analyses of a line.
        seed: Of everything.
    """
    lines = [
        "# A network on CIFAR-10",
        "",
        f"Written by `make validate`; seed {seed}, {repetitions} analyses of every line.",
        "",
        "Three convolutions trained on the long-tailed cut (imbalance 100); the truth is the gradient of 1,000 rows of every class of the whole",
        "set, the samples are drawn from these with replacement. *noise*: tr Σ / ‖g‖² of a row, median of the minorities.",
        _READING,
        "| epoch | noise | rows " + _COUNTED,
        "| ---: | ---: | ---: " + "| ---: " * 8 + "|",
        *(f"| {epoch} | {noise:.3g} | {n} {_counts(each)}" for epoch, n, noise, each in rows),
        "",
        *_verdict([each for _, _, _, each in rows], [n for _, n, _, _ in rows]),
        "",
        "Sketches of the two layers of 2,616 and 6,944 parameters. *error*: mean distance of a sketched cosine from the exact one of the same",
        "rows; *within*: how often the exact one is within the bounds of the sketched one; *width*: of the interval over that of the exact one;",
        "*truth*: how often the sketched interval held the truth.",
        "",
        "| epoch | rows | numbers kept of a layer | error | within | width | truth |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {epoch} | {n} | {width} | {each.error.value:.4f} | {each.exact_covered.value:.3f} "
            f"| {each.width.value:.2f} | {each.sketched.cosine_covered.value:.3f} |"
            for epoch, n, width, each in sketches
        ),
        "",
    ]
    return "\n".join(lines)


def _counts(each: Tally) -> str:
    return (
        f"| {each.determined.value:.2f} | {each.weak.value:.2f} "
        f"| {each.plain_error.value:+.3f} | {each.corrected_error.value:+.3f} "
        f"| {each.cosine_covered.value:.3f} | {each.progress_covered.value:.3f} "
        f"| {each.suppression_covered.value:.3f} | {each.descent_covered.value:.3f} |"
    )


def _verdict(tallies: Sequence[Tally], rows: Sequence[int]) -> list[str]:
    """What the lines say together: those with enough rows not to be flagged for it, and all."""
    lines = [
        "Least, mean and largest over the lines with at least half of the pairs determined:",
        "",
    ]
    for least in (FEW_ROWS, 0):
        some = [each for each, n in zip(tallies, rows, strict=True) if n >= least]
        often = [each for each in some if each.determined.value >= OFTEN]
        name = f"from {least} rows on" if least else "all"
        lines += [
            f"- {name} ({len(often)} of {len(some)} lines): "
            f"corrected bias {_range([each.corrected_error.value for each in often], '+.3f')}; "
            f"plain {_range([each.plain_error.value for each in often], '+.3f')}; coverage of "
            f"cosines {_range([each.cosine_covered.value for each in often], '.3f')}; of "
            f"progress ratios {_range([each.progress_covered.value for each in often], '.3f')}; of "
            f"suppressions {_range([each.suppression_covered.value for each in often], '.3f')}; of "
            "descent rates on all lines "
            f"{_range([each.descent_covered.value for each in some], '.3f')}."
        ]
    return lines


def _range(values: Sequence[float], form: str) -> str:
    mean = sum(values) / max(1, len(values))
    return ", ".join(format(each, form) for each in (min(values), mean, max(values)))

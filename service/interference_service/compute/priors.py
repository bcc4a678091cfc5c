"""Priors and minorities of an analysis, once its classes are known."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.plan import Indices
from interference_service.core.minorities import minority_mask, priors
from interference_service.core.scope import Setting
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InvalidData

_MOST_NAMES = 20


def setting_of(
    specification: AnalysisSpecification,
    class_ids: Sequence[str],
    terms: Indices,
    rows_available: Indices,
) -> Setting:
    """What the request says about the classes, checked before anything is computed.

    Args:
        specification: Of the job.
        class_ids: Names of the classes. Has length C.
        terms: Terms of the loss of each class: its rows, if a row has one. Has shape ``[C]``.
        rows_available: Rows of each class that may be used; one without them is left out of the
            update, but is a minority where its terms make it one. Has shape ``[C]``.

    Raises:
        InvalidData: Priors or minorities do not fit the classes.
    """
    options = specification.options
    minorities = minority_mask(
        _priors(specification, terms),
        options.minority_rule.below_uniform_share,
        _named(specification, class_ids),
    )
    shares = _priors(specification, np.where(rows_available > 0, terms, 0))
    return Setting(shares, minorities, options.conflict_level, options.confidence_level)


def _priors(specification: AnalysisSpecification, terms: Indices) -> NDArray[np.float64]:
    wanted, count = specification.data.priors, len(terms)
    for name, values in (("shares", wanted.shares), ("class_weights", wanted.class_weights)):
        if values and len(values) != count:
            raise InvalidData.at(
                f"data.priors.{name}",
                f"has {len(values)} values for {count} classes; give one each",
            )
    return priors(terms, wanted.shares or None, wanted.class_weights or None)


def _named(
    specification: AnalysisSpecification, class_ids: Sequence[str]
) -> NDArray[np.bool_] | None:
    named = specification.options.minority_rule.classes
    unknown = sorted(set(named) - set(class_ids))
    if unknown:
        raise InvalidData.at(
            "options.minority_rule.classes",
            f"names {_some(map(repr, unknown))}; the classes are {_some(class_ids)}",
        )
    return np.isin(np.array(class_ids), named) if named else None


def _some(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _MOST_NAMES} more" if len(known) > _MOST_NAMES else ""
    return ", ".join(known[:_MOST_NAMES]) + more

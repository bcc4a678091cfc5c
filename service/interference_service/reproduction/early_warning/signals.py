"""What is known of a class today, each read so that more is healthier."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from interference_service.reproduction.records import Bounded, ClassFinding

LEARNS = "learns"
UNLEARNED = "unlearned"
NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Today:
    """A class after an epoch that was analysed.

    Attributes:
        found: What the service found.
        recall: On held-out rows.
        loss: Mean cross-entropy on held-out rows; NaN: not recorded.
    """

    found: ClassFinding
    recall: float
    loss: float

    @property
    def unlearned(self) -> bool:
        """Whether the service finds that training unlearns the class."""
        return self.found.finding.startswith(UNLEARNED)

    @property
    def sure_to_learn(self) -> bool:
        """Whether the lower bound of its progress is above 0.

        Of a minority it is the bound that holds for all minorities at once, as in findings and
        series; of another class, which the service does not judge, its own.
        """
        if self.found.minority:
            return self.found.finding.startswith(LEARNS)
        lower = self.found.progress_ratio.lower
        return lower is not None and lower > 0

    @property
    def judged(self) -> bool:
        """Whether the service could tell anything of it."""
        return not self.found.finding.startswith(NOT_JUDGED)


@dataclass(frozen=True, slots=True)
class Signal:
    """A number that is to predict.

    Attributes:
        name: In files.
        title: In tables.
        health: The number, turned so that more is healthier; NaN where it is undetermined.
    """

    name: str
    title: str
    health: Callable[[Today], float]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _descent_rate(found: ClassFinding) -> float:
    """ρ_c π_c ‖g_c‖², undetermined where the progress ratio is."""
    return _number(found.progress_ratio.value) * found.share * _number(found.norm) ** 2


def _lower(bounded: Bounded) -> float:
    """The lower bound; an interval that has none reaches down for ever."""
    if bounded.value is None:
        return math.nan
    return -math.inf if bounded.lower is None else bounded.lower


def _upper(bounded: Bounded) -> float:
    """The upper bound; an interval that has none reaches up for ever."""
    if bounded.value is None:
        return math.nan
    return math.inf if bounded.upper is None else bounded.upper


SIGNALS = (
    Signal(
        "progress_ratio", "progress ratio", lambda today: _number(today.found.progress_ratio.value)
    ),
    Signal(
        "progress_ratio_lower",
        "lower bound of the progress ratio",
        lambda today: _lower(today.found.progress_ratio),
    ),
    Signal(
        "progress_ratio_upper",
        "upper bound of the progress ratio",
        lambda today: _upper(today.found.progress_ratio),
    ),
    Signal("descent_rate", "descent rate", lambda today: _descent_rate(today.found)),
    Signal("suppression", "suppression", lambda today: -_number(today.found.suppression.value)),
    Signal(
        "suppression_lower",
        "lower bound of the suppression",
        lambda today: -_lower(today.found.suppression),
    ),
    Signal("cosine", "corrected cosine", lambda today: _number(today.found.cosine.value)),
    Signal("unlearned", "found to be unlearned", lambda today: -float(today.unlearned)),
    Signal("plain_cosine", "plain cosine", lambda today: _number(today.found.plain_cosine)),
    Signal("share", "class share", lambda today: today.found.share),
    Signal("loss", "held-out loss", lambda today: -today.loss),
    Signal("recall", "held-out recall", lambda today: today.recall),
)
"""In the order of the tables: what the service says, then what it is compared with."""

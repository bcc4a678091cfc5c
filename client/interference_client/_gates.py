"""What gates say of a result, judged as the service judges the gates of a job; pure."""

from collections.abc import Iterable, Mapping, Sequence

from interference_client._matrix_stream import Matrix
from interference_client.specification import Gate
from interference_client.values import Estimate, GateOutcome, Verdict

_BOUNDS = ("lower", "upper")

Numbers = Mapping[str, Mapping[str, Sequence[Estimate]]]
"""By scope and metric, one number a class; a metric without bounds bounds itself."""


class Subjects:
    """Numbers of a result by the paths that gates name.

    Args:
        classes: Names of the classes in their order.
        summary: Numbers of the whole analysis.
        numbers: Numbers of the classes.
        matrix_ids: Matrices that could be read.
    """

    def __init__(
        self,
        classes: Sequence[str],
        summary: Mapping[str, Estimate],
        numbers: Numbers,
        matrix_ids: Sequence[str],
    ) -> None:
        self._positions = {name: index for index, name in enumerate(classes)}
        self._summary = summary
        self._numbers = numbers
        self._matrix_ids = frozenset(matrix_ids)

    def matrices(self, gates: Iterable[Gate]) -> list[str]:
        """Ids of the matrices that these gates need."""
        needed: dict[str, None] = {}
        for gate in gates:
            owner, quantity, pair = self._element(gate.subject)
            if pair is not None and f"{owner}/{quantity}" in self._matrix_ids:
                needed[f"{owner}/{quantity}"] = None
                if quantity == "cosine":
                    needed.update(dict.fromkeys(self._bounds(owner)))
        return list(needed)

    def judge(self, gates: Iterable[Gate], matrices: Mapping[str, Matrix]) -> Verdict:
        """The verdict; what the result does not have is undetermined, and so never passes.

        Args:
            gates: The conditions.
            matrices: Those that ``matrices`` names, each of shape ``[C, C]``.
        """
        outcomes = tuple(_judged(gate, self._subject(gate.subject, matrices)) for gate in gates)
        found = {each.outcome for each in outcomes}
        worst = next((each for each in ("VIOLATED", "UNDETERMINED") if each in found), "PASSED")
        return Verdict(worst, outcomes)

    def _subject(self, path: str, matrices: Mapping[str, Matrix]) -> Estimate:
        owner, _, rest = path.partition("/")
        if owner == "summary":
            return self._summary.get(rest, Estimate())
        quantity, _, who = rest.partition("/")
        if column := self._numbers.get(owner, {}).get(quantity):
            return column[self._positions[who]] if who in self._positions else Estimate()
        matrix, pair = matrices.get(f"{owner}/{quantity}"), self._pair(who)
        if matrix is None or pair is None:
            return Estimate()
        value = float(matrix[pair])
        if quantity != "cosine":
            return Estimate(value, value, value)
        return Estimate(value, *(float(matrices[each][pair]) for each in self._bounds(owner)))

    def _bounds(self, owner: str) -> list[str]:
        """Ids of the matrices that hold the bounds of its cosines; none where they are not kept."""
        ids = [f"{owner}/{bound}" for bound in _BOUNDS]
        return ids if self._matrix_ids.issuperset(ids) else []

    def _element(self, path: str) -> tuple[str, str, tuple[int, int] | None]:
        owner, _, rest = path.partition("/")
        quantity, _, who = rest.partition("/")
        return owner, quantity, self._pair(who)

    def _pair(self, who: str) -> tuple[int, int] | None:
        """Indices of the two classes; the cut is tried at every slash, as names may hold one."""
        at = who.find("/")
        while at >= 0:
            row, column = self._positions.get(who[:at]), self._positions.get(who[at + 1 :])
            if row is not None and column is not None:
                return row, column
            at = who.find("/", at + 1)
        return None


def _judged(gate: Gate, observed: Estimate) -> GateOutcome:
    """Passed or violated where the whole interval is, undetermined otherwise."""
    lower, upper = observed.lower, observed.upper
    if gate.at_least is not None:
        sign, bound = "≥", gate.at_least
        keeps, violates = lower >= bound, upper < bound
    else:
        sign, bound = "≤", float(gate.at_most or 0.0)
        keeps, violates = upper <= bound, lower > bound
    return GateOutcome(
        gate.id,
        "PASSED" if keeps else "VIOLATED" if violates else "UNDETERMINED",
        observed,
        f"{gate.subject} = {observed.value:.4g} in [{lower:.4g}, {upper:.4g}], "
        f"wanted {sign} {bound:g}",
    )

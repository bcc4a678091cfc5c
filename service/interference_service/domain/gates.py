"""Finding the number of a result that a gate speaks of."""

from collections.abc import Iterable, Mapping

from interference_service.domain.result import AnalysisResult, ClassInfo, Matrix
from interference_service.domain.specification import Gate
from interference_service.domain.verdict import Estimate, Verdict, judge, verdict


def judge_all(
    gates: Iterable[Gate], result: AnalysisResult, matrices: Mapping[str, Matrix]
) -> Verdict:
    """Judge every gate of a specification.

    A subject that the result does not have, for instance of a class that the data lacks, is
    undetermined: a gate never passes for want of a number.
    """
    return verdict(tuple(judge(gate, subject(gate.subject, result, matrices)) for gate in gates))


def subject(path: str, result: AnalysisResult, matrices: Mapping[str, Matrix]) -> Estimate:
    """The scalar at a path; NaN where there is none.

    Args:
        path: ``summary/{metric}``, ``{scope}/{metric}/{class}``, ``changes/{metric}/{class}``,
            ``classes/unlearned_streak/{class}`` or ``{scope or layer}/{matrix}/{class}/{class}``.
        result: The result that is asked.
        matrices: Its matrices by id, each of shape ``[C, C]``.
    """
    owner, _, rest = path.partition("/")
    if owner == "summary":
        return next((s.estimate for s in result.summary if s.name == rest), Estimate())
    quantity, _, who = rest.partition("/")
    index = result.class_index(who)
    if (owner, quantity) == ("classes", "unlearned_streak"):
        return Estimate() if index is None else _streak(result.classes[index])
    columns = result.previous if owner == "changes" else result.scope(owner)
    column = columns.column(quantity) if columns else None
    if column is not None:
        return Estimate() if index is None else column.estimate(index)
    return _element(owner, quantity, who, result, matrices)


def _streak(info: ClassInfo) -> Estimate:
    """Undetermined of a class that was not judged, whose streak is that of earlier analyses."""
    return _exactly(info.unlearned_streak) if info.judged else Estimate()


def _exactly(value: float) -> Estimate:
    return Estimate(value=value, lower=value, upper=value)


def _element(
    owner: str, quantity: str, who: str, result: AnalysisResult, matrices: Mapping[str, Matrix]
) -> Estimate:
    matrix = matrices.get(f"{owner}/{quantity}")
    pair = _pair(who, result)
    if matrix is None or pair is None:
        return Estimate()
    value = float(matrix[pair])
    if quantity != "cosine":
        return _exactly(value)
    lower, upper = (float(matrices[f"{owner}/{bound}"][pair]) for bound in ("lower", "upper"))
    return Estimate(value=value, lower=lower, upper=upper)


def _pair(who: str, result: AnalysisResult) -> tuple[int, int] | None:
    """Indices of the two classes; the cut is tried at every slash, as names may hold one."""
    at = who.find("/")
    while at >= 0:
        row, column = result.class_index(who[:at]), result.class_index(who[at + 1 :])
        if row is not None and column is not None:
            return row, column
        at = who.find("/", at + 1)
    return None

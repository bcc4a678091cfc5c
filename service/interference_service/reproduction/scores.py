"""How well a training ended, as a number each; of its last epoch, on held-out rows."""

from statistics import fmean

from interference_service.reproduction.records import RunRecord, Scores


def accuracy(record: RunRecord) -> float | None:
    """Part of all held-out rows that are recognised."""
    confusion = record.epochs[-1].scores.confusion
    return _part(sum(row[place] for place, row in enumerate(confusion)), sum(map(sum, confusion)))


def macro_f1(record: RunRecord) -> float | None:
    """Mean F1 of the classes."""
    return macro_f1_of(record.epochs[-1].scores)


def macro_f1_of(scores: Scores) -> float | None:
    """Mean F1 of the classes that have held-out rows."""
    found = [_f1(scores.confusion, place) for place in range(len(scores.confusion))]
    known = [each for each in found if each is not None]
    return fmean(known) if known else None


def f1(record: RunRecord, *, name: str) -> float | None:
    """Of a class: twice its hits over its rows and what was taken for it."""
    return _f1(record.epochs[-1].scores.confusion, record.class_names.index(name))


def recall(record: RunRecord, *, name: str) -> float | None:
    """Part of a class's rows that are recognised."""
    confusion, place = record.epochs[-1].scores.confusion, record.class_names.index(name)
    return _part(confusion[place][place], sum(confusion[place]))


def precision(record: RunRecord, *, name: str) -> float | None:
    """Part of what was taken for a class that is of it; 0 where nothing was."""
    confusion, place = record.epochs[-1].scores.confusion, record.class_names.index(name)
    return _part(confusion[place][place], sum(row[place] for row in confusion)) or 0.0


def _f1(confusion: tuple[tuple[int, ...], ...], place: int) -> float | None:
    rows, taken = sum(confusion[place]), sum(row[place] for row in confusion)
    return 2 * confusion[place][place] / (rows + taken) if rows else None


def _part(some: int, whole: int) -> float | None:
    return some / whole if whole else None

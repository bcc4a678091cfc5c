"""One folder of pictures for each class, perhaps below ``train`` and ``test``."""

from pathlib import Path

from interference_service.reproduction.data.layouts.rows import Found, Rows, labelled

TRAINING, EVALUATION = "train", "test"
DESCRIPTION = (
    f"a folder of pictures for each class, as they are or below {TRAINING}/ and {EVALUATION}/"
)
_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def present(directory: Path) -> bool:
    """Whether a directory has classes, or both halves."""
    return _halved(directory) or len(_classes(directory)) > 1


def read(directory: Path) -> Found:
    """All pictures of a directory."""
    if _halved(directory):
        return Found(_rows(directory / TRAINING), _rows(directory / EVALUATION))
    return Found(_rows(directory))


def _halved(directory: Path) -> bool:
    return all(len(_classes(directory / half)) > 1 for half in (TRAINING, EVALUATION))


def _classes(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return [each for each in sorted(directory.iterdir()) if each.is_dir() and _pictures(each)]


def _pictures(folder: Path) -> list[Path]:
    return [each for each in sorted(folder.iterdir()) if each.suffix.lower() in _ENDINGS]


def _rows(directory: Path) -> Rows:
    found = [(folder.name, path) for folder in _classes(directory) for path in _pictures(folder)]
    names, paths = [name for name, _ in found], [path for _, path in found]
    sources = [path.relative_to(directory).as_posix() for path in paths]
    return labelled(paths, names, sources, directory)

"""All families: one line each."""

from hostile import (
    archives,
    arrays,
    exhaustion,
    footers,
    graphs,
    images,
    parquet,
    paths,
    pickles,
    tables,
    tars,
    weights,
)
from hostile.reference import HostileReference

FAMILIES: dict[str, tuple[HostileReference, ...]] = {
    "pickles": pickles.REFERENCES,
    "graphs": graphs.REFERENCES,
    "exhaustion": exhaustion.REFERENCES,
    "archives": archives.REFERENCES,
    "paths": paths.REFERENCES,
    "parquet": parquet.REFERENCES,
    "footers": footers.REFERENCES,
    "images": images.REFERENCES,
    "arrays": arrays.REFERENCES,
    "tars": tars.REFERENCES,
    "tables": tables.REFERENCES,
    "weights": weights.REFERENCES,
}
REFERENCES = tuple(each for family in FAMILIES.values() for each in family)

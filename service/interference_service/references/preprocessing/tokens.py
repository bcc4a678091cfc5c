"""Lists of integers of any length to one tensor: cut, padded at the end, or their mask."""

import numpy as np
import torch
from torch import Tensor

from interference_service.domain.inputs import MAX_TOKENS, TokensSource
from interference_service.errors import InvalidData
from interference_service.references.data.columns import RaggedColumn, Rows

MAX_PADDED = 1 << 27
"""Numbers of a padded batch, of 8 bytes each."""


def token_tensor(source: TokensSource, rows: Rows, field: str) -> Tensor:
    """The lists of a batch, or their mask.

    Without a fixed length an empty list is refused: alone in its batch it would be a row of length 0,
    and whether a job succeeds must not depend on how its rows share batches.

    Args:
        source: How they are cut and padded.
        rows: The batch.
        field: Path of the field that names the column.

    Returns:
        Integers. Has shape ``[n, length]``, with the length of the longest list, or the fixed one.

    Raises:
        InvalidData: The column holds something else, or a list is empty or too long.
    """
    column = rows.columns[source.column]
    if not isinstance(column, RaggedColumn):
        raise InvalidData.at(field, f"{source.column!r} does not hold lists of integers")
    sizes = column.sizes
    longest = int(sizes.max(initial=0))
    if not source.max_length and longest > MAX_TOKENS:
        raise InvalidData.at(
            field,
            f"holds a list of {longest} integers; at most {MAX_TOKENS} are taken, so set max_length",
        )
    if not source.fixed_length and sizes.min(initial=1) == 0:
        raise InvalidData.at(
            field,
            "holds an empty list; give it a token, or set max_length and fixed_length, which make "
            "it a row of padding",
        )
    kept = np.minimum(sizes, source.max_length or MAX_TOKENS)
    length = source.max_length if source.fixed_length else int(kept.max(initial=0))
    if rows.count * length > MAX_PADDED:
        raise InvalidData.at(
            field,
            f"makes {rows.count} lists of {length} integers each, more than memory is for; set a "
            "smaller max_length",
        )
    held = np.arange(length) < kept[:, None]
    if source.mask:
        return torch.from_numpy(held.astype(np.int64))
    padded = np.full(held.shape, source.padding, dtype=np.int64)
    starts = column.ends - sizes
    # The n-th number that is kept of a row is the n-th of its list.
    row, place = np.nonzero(held)
    padded[row, place] = column.values[starts[row] + place]
    return torch.from_numpy(padded)

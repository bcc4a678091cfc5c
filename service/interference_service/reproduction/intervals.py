"""How sure all intervals are, and the quantiles that follow from it."""

from scipy.special import ndtri, stdtrit

CONFIDENCE_LEVEL = 0.95
TAIL = (1 - CONFIDENCE_LEVEL) / 2
"""What may lie on either side."""
NORMAL = -float(ndtri(TAIL))


def student(freedom: int) -> float:
    """How many standard errors Student's t reaches to either side."""
    return -float(stdtrit(freedom, TAIL))

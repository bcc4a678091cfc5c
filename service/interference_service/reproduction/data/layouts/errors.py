"""What may be wrong with an image set on disk.

::

    DatasetError
    ├── DatasetMissing       no layout of the set is there
    └── DatasetUnreadable    a file is there, and is not what its name says
"""


class DatasetError(Exception):
    """An image set cannot be had; the message says why, and what would be right."""


class DatasetMissing(DatasetError, FileNotFoundError):
    """No layout of the set is there; the message names those that were looked for."""


class DatasetUnreadable(DatasetError, ValueError):
    """A file of the set is damaged, hostile, or contradicts another."""

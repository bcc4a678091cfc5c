"""Generators that depend on what they are for, so that none has to be carried from epoch to epoch."""

import hashlib

import torch


def derived(*parts: object) -> int:
    """A seed of what the parts say together."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big")


def generator(*parts: object) -> torch.Generator:
    """A generator on the CPU, where it draws the same for every device."""
    return torch.Generator().manual_seed(derived(*parts))

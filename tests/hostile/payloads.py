"""Code that makes the canary, in every form that a loader is known to run."""

import io
import pickle
import struct
from pathlib import Path

import torch


class Gadget:
    """Unpickling it makes the canary."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return Path.touch, (self.canary,)


def pickled(canary: Path) -> bytes:
    """A plain pickle."""
    return pickle.dumps(Gadget(canary))


def saved(canary: Path, **options: object) -> bytes:
    """What ``torch.save`` makes of it."""
    buffer = io.BytesIO()
    torch.save({"w": Gadget(canary), "state_dict": {"w": torch.ones(2)}}, buffer, **options)
    return buffer.getvalue()


def expression(canary: Path) -> str:
    """An expression of Python, such as sympy evaluates."""
    return f"__import__('pathlib').Path({str(canary)!r}).touch()"


def shared_object(canary: Path) -> bytes:
    """A library for x86-64 Linux whose initialisation makes the canary."""
    # lea rdi, [rip + path]; mov esi, O_WRONLY | O_CREAT; mov edx, 0644; mov eax, open; syscall; ret
    code = bytes.fromhex("488d3d12000000be41000000baa4010000b8020000000f05c3")
    size, dynamic_at, strings, symbols, hashes, code_at = 0x1000, 0x100, 0x300, 0x310, 0x340, 0x400
    tags = [(12, code_at), (5, strings), (10, 1), (6, symbols), (11, 24), (4, hashes), (0, 0)]
    dynamic = b"".join(struct.pack("<2Q", *each) for each in tags)
    magic = b"\x7fELF\x02\x01\x01"
    header = struct.pack("<16s2HI3QI6H", magic, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    header += struct.pack("<2I6Q", 1, 7, 0, 0, 0, size, size, size)
    header += struct.pack("<2I6Q", 2, 6, *[dynamic_at] * 3, len(dynamic), len(dynamic), 8)
    image = bytearray(size)
    parts = {0: header, dynamic_at: dynamic, hashes: struct.pack("<4I", 1, 1, 0, 0)}
    for at, part in (parts | {code_at: code + str(canary).encode() + b"\0"}).items():
        image[at : at + len(part)] = part
    return bytes(image)

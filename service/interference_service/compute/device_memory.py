"""How much memory a device has, and how much of it is in use."""

from pathlib import Path

import torch

from interference_service.domain.workers import DeviceMemory

_MACHINE = Path("/proc/meminfo")
_CONTAINER = Path("/sys/fs/cgroup")


def memory_of(device: torch.device) -> DeviceMemory:
    """Memory of a GPU; else that of the machine, or of the container that bounds it."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return DeviceMemory(total - free, total)
    return main_memory()


def main_memory(machine: Path = _MACHINE, container: Path = _CONTAINER) -> DeviceMemory:
    """What processes here may use, and do.

    Args:
        machine: Says what the machine has.
        container: Directory of the control group; only its second version is looked at.
    """
    kibibytes = _numbers(machine)
    total = kibibytes["MemTotal:"] << 10
    used = total - (kibibytes["MemAvailable:"] << 10)
    try:
        limit = int((container / "memory.max").read_text("ascii"))
        held = int((container / "memory.current").read_text("ascii"))
        files = _numbers(container / "memory.stat")["inactive_file"]
    except (OSError, ValueError):  # there is no group, or it has no limit
        return DeviceMemory(used, total)
    # What was read from files and not lately is given back before anything runs out.
    return DeviceMemory(held - files, limit) if limit < total else DeviceMemory(used, total)


def _numbers(path: Path) -> dict[str, int]:
    """The first number of every line, by its first word."""
    lines = (line.split() for line in path.read_text("ascii").splitlines())
    return {words[0]: int(words[1]) for words in lines}

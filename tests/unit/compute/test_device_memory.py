"""Memory of the device that a worker computes on."""

from pathlib import Path

import pytest
import torch

from interference_service.compute.device_memory import main_memory, memory_of
from interference_service.domain.workers import DeviceMemory

MACHINE = "MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:  600 kB\nHugePages_Total:  0\n"
OF_THE_MACHINE = DeviceMemory(400 << 10, 1000 << 10)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    path = tmp_path / "meminfo"
    path.write_text(MACHINE)
    return path


def group(directory: Path, limit: str) -> Path:
    for name, text in {
        "memory.max": f"{limit}\n",
        "memory.current": "300000\n",
        "memory.stat": "anon 200000\ninactive_file 100000\n",
    }.items():
        (directory / name).write_text(text)
    return directory


def test_without_a_group_it_is_the_machine_s(machine, tmp_path):
    assert main_memory(machine, tmp_path / "none") == OF_THE_MACHINE


@pytest.mark.parametrize("limit", ["max", str(1 << 40)])
def test_a_group_that_does_not_bound_it_does_not_count(machine, tmp_path, limit):
    assert main_memory(machine, group(tmp_path, limit)) == OF_THE_MACHINE


def test_a_group_that_bounds_it_counts_without_files_that_can_be_dropped(machine, tmp_path):
    assert main_memory(machine, group(tmp_path, "500000")) == DeviceMemory(200000, 500000)


def test_this_machine_has_some_and_uses_less():
    found = memory_of(torch.device("cpu"))
    assert 0 < found.used_bytes < found.total_bytes


@pytest.mark.gpu
def test_a_gpu_has_some_and_uses_less():
    found = memory_of(torch.device("cuda"))
    assert 0 < found.used_bytes < found.total_bytes

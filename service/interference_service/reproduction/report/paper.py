"""What the paper reports: Singhal and Soni 2026, arXiv 2606.05740.

Only its abstract and these numbers are known here; everything else of the experiments is our choice.
"""

from collections.abc import Mapping
from types import MappingProxyType

from interference_service.reproduction.records import DatasetName, NetworkName

PARAMETERS: Mapping[NetworkName, int] = MappingProxyType(
    {"multi_branch_cnn": 1_350_000, "csba_cnn": 1_790_000}
)
"""Of the networks for six classes."""
MACRO_F1: Mapping[DatasetName, Mapping[NetworkName, float]] = MappingProxyType(
    {"cifar10-lt": {"multi_branch_cnn": 0.595, "csba_cnn": 0.655}}
)
CLASS_F1: Mapping[tuple[DatasetName, str], Mapping[NetworkName, float]] = MappingProxyType(
    {("solar-panels", "Physical-Damage"): {"multi_branch_cnn": 0.261, "csba_cnn": 0.522}}
)
EMPTY: Mapping[NetworkName, float] = MappingProxyType({})

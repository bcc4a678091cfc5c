"""Small networks of every kind that the service is given, each with rows, by what it is about."""

from support.networks import attention, images, ours, parameters, sequences, spellings
from support.networks.exporting import HARMLESS_WARNINGS, export
from support.networks.network import Inputs, Network

__all__ = ["HARMLESS_WARNINGS", "NETWORKS", "Inputs", "Network", "export"]

NETWORKS = images.NETWORKS | attention.NETWORKS | sequences.NETWORKS | parameters.NETWORKS
NETWORKS |= spellings.NETWORKS | ours.NETWORKS

"""What a training goes on from after an interruption."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import nn

from interference_service.reproduction.files import write_atomically
from interference_service.reproduction.records import RECORD, RunRecord

CHECKPOINT = "checkpoint.pt"


class CheckpointUnusable(ValueError):
    """A checkpoint is damaged or of another run; the message says which file to remove."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What changes while a training runs."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler

    def save(self, directory: Path, record: RunRecord) -> None:
        """Write the checkpoint, and the record beside it for others to read.

        The checkpoint holds the record too: whatever an interruption leaves, they fit each other.
        """
        buffer = io.BytesIO()
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "record": record.model_dump_json(),
        }
        torch.save(state, buffer)
        write_atomically(directory / CHECKPOINT, buffer.getvalue())
        record.save(directory / RECORD)

    def resume(self, directory: Path, fresh: RunRecord, device: torch.device) -> RunRecord:
        """Go back to what was saved; returns the record of it, or the fresh one if there is none.

        Raises:
            CheckpointUnusable: What was saved is damaged, or of another key or budget.
        """
        path = directory / CHECKPOINT
        if not path.exists():
            return fresh
        try:
            state = torch.load(path, map_location=device, weights_only=True)
            record = RunRecord.model_validate_json(state["record"])
        except (
            RuntimeError,
            OSError,
            EOFError,
            KeyError,
            TypeError,
            pickle.UnpicklingError,
            ValidationError,
        ) as error:
            raise CheckpointUnusable(
                f"{path} is damaged: {error}; remove it to begin anew"
            ) from error
        if (record.key, record.budget) != (fresh.key, fresh.budget):
            raise CheckpointUnusable(
                f"{path} is of another training (key {record.key}, budget {record.budget}); remove "
                f"it, or choose another directory"
            )
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        record.save(directory / RECORD)  # an interruption may have come between the two files
        return record

"""Trains a small network with Lightning and writes its checkpoint, with what it must give.

Stands alone: ``python lightning_checkpoint.py DIRECTORY`` needs Lightning and nothing of ours. What
it wrote lies in ``tests/fixtures/checkpoints``.
"""

import sys
from pathlib import Path

import lightning
import numpy as np
import torch
from torch import Tensor, nn


class Perceptron(nn.Module):
    """Under the names that the architecture ``mlp`` gives its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(4, 6)])
        self.head = nn.Linear(6, 3)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.hidden[0](rows).relu())


class Classifier(lightning.LightningModule):
    """A network under the name that training code gives it."""

    def __init__(self, learning_rate: float = 0.05, label_smoothing: float = 0.1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.model = Perceptron()
        self.loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        rows, labels = batch
        return self.loss(self.model(rows), labels)

    def configure_optimizers(self) -> dict[str, object]:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams["learning_rate"])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
        return {"optimizer": optimizer, "lr_scheduler": schedule}


def write(directory: Path) -> None:
    lightning.seed_everything(0)
    data = torch.utils.data.TensorDataset(torch.randn(32, 4), torch.randint(3, (32,)))
    classifier = Classifier()
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,  # its state names directories
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(classifier, torch.utils.data.DataLoader(data, batch_size=8))
    trainer.save_checkpoint(directory / "lightning.ckpt")
    rows = torch.randn(5, 4)
    with torch.no_grad():
        logits = classifier.eval().model(rows)
    np.savez(directory / "lightning.npz", rows=rows.numpy(), logits=logits.numpy())


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write(target)

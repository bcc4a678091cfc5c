"""Small models of transformers with random weights, each with rows."""

import torch

from support.networks import Inputs, Network
from support.networks.hugging_face import BY_CLASS, WORDS
from support.networks.network import numbers


def sentences(count: int, generator: torch.Generator) -> Inputs:
    """Rows of tokens of which some end earlier, and what says so."""
    words = torch.randint(2, WORDS, (count, 9), generator=generator)
    lengths = torch.randint(4, 10, (count, 1), generator=generator)
    mask = (torch.arange(9) < lengths).long()
    return {"input_ids": words * mask + 1 - mask, "attention_mask": mask}


def network(name: str) -> Network:
    """A model of that class, with rows."""
    family = BY_CLASS[name]
    side, steps = family.side, family.steps
    if side:
        return Network(family.make, numbers("pixel_values", 3, side, side))
    return Network(family.make, numbers("past_values", steps, 2) if steps else sentences)

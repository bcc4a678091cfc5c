"""Model registries: what ``models:/name/version`` stands for, in words that the stores understand."""

from interference_service.references.registry.registry import ModelRegistry, RegisteredModel
from interference_service.references.registry.resolution import ResolvedModel, resolve_model

__all__ = ["ModelRegistry", "RegisteredModel", "ResolvedModel", "resolve_model"]

"""Writes trained models as the archives that the service reads; needs torch, as nothing else here.

Not imported before ``export_model`` or ``export_hugging_face`` is asked for.
"""

from interference_client.export._archive import ExportedInput, ExportedModel, export_model
from interference_client.export._examples import Examples
from interference_client.export._hugging_face import export_hugging_face

__all__ = [
    "Examples",
    "ExportedInput",
    "ExportedModel",
    "export_hugging_face",
    "export_model",
]

"""A model and data for the tests of clients."""

from interference_client import ModelReference, ParquetData, tensor

MODEL = ModelReference("models://m.pt2")


DATA = ParquetData("rows://r.parquet", label="label", inputs={"x": tensor("x")})

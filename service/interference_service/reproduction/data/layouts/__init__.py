"""How image sets lie on disk: Parquet files, image folders, and what their publishers offer."""

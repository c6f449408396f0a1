"""Journals and recorded Parquet in, Polars frames out: the one owner of the DuckDB file."""

from fourdials.store.store import RECORDED, Store

__all__ = ["RECORDED", "Store"]

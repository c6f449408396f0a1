"""Journals and recorded Parquet in, Polars frames out: the one owner of the DuckDB file."""

from fourdials.store.store import RECORDED, Store, opened

__all__ = ["RECORDED", "Store", "opened"]

"""Parquet traces and results: sealed, digested, fingerprinted, with the record of what they were made from."""

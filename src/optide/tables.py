"""Write a table in every format it comes in, each with its provenance."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optide import files, provenance


def write(
    path: str | Path,
    record: provenance.Record,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    pages: Mapping[str, Callable[[], str]],
) -> None:
    """Write one file of a table, whole or not at all.

    Args:
        path: its suffix decides: .csv for all columns, plain; .json (`NAME.csv-metadata.json`) for the
            provenance of that; else one of `pages`, with the provenance at its end.
        record: what the table was made from.
        columns: of the CSV file.
        rows: likewise.
        pages: the text of a page, by suffix.
    """
    suffix = Path(path).suffix
    with files.aside(path) as temporary:
        if suffix == ".csv":
            with temporary.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        else:
            page = "" if suffix == ".json" else pages[suffix]()
            temporary.write_text(page + provenance.of_text(path, record), encoding="utf-8")

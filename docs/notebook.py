"""Run the tutorial as its reader does, in a kernel, and keep what its cells show in it; or compare with what is kept.

Written are the same bits each time: with the arithmetic of the workflow, and without names of machines or times.
"""

import argparse
import io
import os
import re
import sys
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from PIL import Image

import optide

PAGE = Path(__file__).parent / "tutorial.ipynb"
ABOUT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")
NEAR = {"rtol": 1e-6, "atol": 1e-6}
"""Of numbers: another processor rounds otherwise, to another last digit of a coordinate with six decimals."""
SHADE = 2
"""Of pixels on average, of 255: a font a pixel further on another processor, and no curve."""


def executed(text: str) -> str:
    """A notebook with what its cells show.

    Raises:
        CellExecutionError: a cell fails.
    """
    from nbclient import NotebookClient  # noqa: PLC0415  (whoever only compares needs none)

    book = nbformat.reads(text, as_version=4)
    optide.pin()  # what this process starts, too
    with tempfile.TemporaryDirectory() as folder:
        # nothing of this machine's user: no profile, no style
        os.environ |= dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"), folder)
        client = NotebookClient(book, timeout=600, record_timing=False)
        client.create_kernel_manager().transport = "ipc"
        client.execute()
    book.metadata = nbformat.from_dict(ABOUT)
    return nbformat.writes(book) + "\n"


def differences(kept: str, new: str) -> list[str]:
    """The cells that show something else, each by its first line."""
    pairs = zip(*(nbformat.reads(text, as_version=4).cells for text in (kept, new)), strict=True)
    others = [one for one, other in pairs if not _same(one.get("outputs"), other.get("outputs"))]
    return [cell.source.partition("\n")[0] for cell in others]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        if "image/png" in one and "image/png" in other:
            return _seen_the_same(one["image/png"], other["image/png"])
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str) and isinstance(other, str):
        numbers = [np.array(NUMBER.findall(text), float) for text in (one, other)]
        return NUMBER.sub("0", one) == NUMBER.sub("0", other) and np.allclose(*numbers, **NEAR)
    return one == other


def _seen_the_same(*pictures: str) -> bool:
    """Whether two pictures, in base64, differ by little."""
    first, second = (np.asarray(Image.open(io.BytesIO(b64decode(one))).convert("RGB"), float) for one in pictures)
    return first.shape == second.shape and np.abs(first - second).mean() < SHADE


def main() -> int:
    """Write the notebook, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if cells show something else")
    check = parser.parse_args().check
    kept = PAGE.read_text(encoding="utf-8")
    new = executed(kept)
    if not check:
        PAGE.write_text(new, encoding="utf-8")
        return 0
    for cell in (found := differences(kept, new)):
        print(f"{PAGE.name}: shows something else than before: {cell}; `make tutorial` renews it", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Figures as columns: what they say they draw, and what they show, if it was rendered by the same software."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from optide.base.errors import FileError
from optide.data import tolerances
from optide.data.fingerprints import EXACT, LENGTH, Column, Tolerance, column, rows_from
from optide.show import drawn

RENDERED = "the rendering"
"""The part of a figure's columns that depends on the software that rendered it."""

SQUARE = 64
"""Side of the squares that pixels are compared in."""

_REFERENCE = re.compile(r"(IndirectObject\(\d+, \d+), \d+\)")  # the rest is the address of the reader
_NUMBER = re.compile(rb"(?<![\w#.])[+-]?(?:\d+\.?\d*|\.\d+)(?![\w#.])")


def columns(path: str | Path) -> Iterator[Column]:
    """The columns of a .png or .pdf file.

    A figure that draws a chaotic solution, or residuals, has no part `RENDERED`: it looks otherwise elsewhere.

    Raises:
        FileError: it cannot be read.
    """
    path = Path(path)
    try:
        description = drawn.read(path)
        panels = json.loads(description)["panels"] if description else []
        yield from _of_description(json.loads(description)) if description else ()
        if not any(drawn.is_chaotic(panel) for panel in panels):
            yield from _pixels(path) if path.suffix == ".png" else _operators(path)
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise FileError(f"{path}: not a readable {path.suffix} file ({error})") from None


def _of_description(figure: Mapping[str, Any]) -> Iterator[Column]:
    yield column("legend", "texts and looks", pa.array(map(", ".join, figure["legend"]), pa.string()))
    yield column("", "note", pa.array([figure["note"], f"{len(figure['panels'])} panels"]))
    for i, panel in enumerate(figure["panels"]):
        part, curves = f"panel {i + 1}", panel["curves"]
        yield column(part, "texts", pa.array(panel["texts"], pa.string()))
        yield column(part, "looks", pa.array([curve["look"] for curve in curves], pa.string()))
        if "limits" in panel:
            largest = max(map(abs, panel["limits"]))
            tolerance = Tolerance(tolerances.LIMITS, tolerances.LIMITS * largest)
            yield column(part, "limits", pa.array(map(float, panel["limits"])), tolerance)
        steady = [curve for curve in curves if "points" in curve]
        points = np.array([curve["points"] for curve in steady], np.int64)
        yield column(part, "points", pa.array(points))
        allowed = points * np.array([tolerances.DRAWN[curve["grade"]] / drawn.UNIT for curve in steady])
        for axis in "xy":
            sums = np.array([curve[axis] for curve in steady], np.int64).reshape(len(steady), 3)
            weights = {"sum": np.ones_like(points), "weighted sum": 2 * points, "signed sum": np.ones_like(points)}
            for (name, most), of in zip(weights.items(), sums.T, strict=True):
                what = f"{axis} of the points ({name})"
                yield Column(part, what, of, allowed * most, 1, EXACT, None, _curves)


def _curves(start: int, end: int) -> str:
    return f"curve {start + 1}"


def _pixels(path: Path) -> Iterator[Column]:
    """Red, green and blue, in squares."""
    with Image.open(path, formats=["PNG"]) as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width, _ = pixels.shape
    yield column(RENDERED, "size", pa.array([width, height]))
    across, down = -(-width // SQUARE), -(-height // SQUARE)
    padded = np.zeros((down * SQUARE, across * SQUARE, 3), np.int64)
    padded[:height, :width] = pixels
    squares = padded.reshape(down, SQUARE, across, SQUARE * 3).swapaxes(1, 2).ravel()
    length = SQUARE * SQUARE * 3

    def where(start: int, end: int) -> str:
        row, place = divmod(start // length, across)
        return f"the square from {place * SQUARE} to the right and {row * SQUARE} down"

    yield Column(
        RENDERED, "pixels", squares, np.full(len(squares), tolerances.PIXELS / length), length, EXACT, None, where
    )


def _operators(path: Path) -> Iterator[Column]:
    """All objects of a PDF but its information, decompressed: text exactly, numbers not quite."""
    import pypdf  # noqa: PLC0415  (see optide.data.provenance)

    reader = pypdf.PdfReader(path, strict=True)
    information = reader.trailer.raw_get("/Info").idnum
    texts: list[str] = []
    numbers: list[float] = []
    for number in range(1, int(str(reader.trailer["/Size"]))):
        found = reader.get_object(pypdf.generic.IndirectObject(number, 0, reader))
        if number == information or isinstance(found, int):  # what else is one number is the length of a stream
            continue
        shown = {key: found.raw_get(key) for key in found if key != "/Length"} if isinstance(found, dict) else found
        content = _REFERENCE.sub(r"\1", str(shown))
        parts = [content.encode()]
        if isinstance(found, pypdf.generic.StreamObject):
            parts.append(found.get_data())
        if "/Length1" not in content:  # a font: not of operators
            numbers += [float(text) for part in parts for text in _NUMBER.findall(part)]
            parts = [_NUMBER.sub(b"#", part) for part in parts]
        texts += [part.decode("latin-1") for part in parts]
    yield column(RENDERED, "objects", pa.array(texts))
    places = np.rint(np.array(numbers) / tolerances.POINT).astype(np.int64)
    yield Column(RENDERED, "numbers", places, np.ones(len(places)), LENGTH, EXACT, None, rows_from(0))

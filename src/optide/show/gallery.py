"""A contact sheet: all figures on one page, each with its name."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from optide.data import provenance

COLUMNS, WIDTH, MARGIN, NAME_HEIGHT = 4, 480, 12, 24  # pixels


def sheet(paths: Sequence[str | Path]) -> Image.Image:
    """Pictures in columns of equal width, each below the column that is shortest so far, under its file's stem."""
    font = ImageFont.truetype(
        Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans-Bold.ttf"), 16, layout_engine=ImageFont.Layout.BASIC
    )
    ends = [MARGIN] * COLUMNS
    placed = []
    for path in paths:
        with Image.open(path) as picture:
            small = picture.convert("RGB").resize(
                (WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS
            )
        column = ends.index(min(ends))
        placed.append((MARGIN + column * (WIDTH + MARGIN), ends[column], small, Path(path).stem))
        ends[column] += NAME_HEIGHT + small.height + MARGIN
    page = Image.new("RGB", (MARGIN + COLUMNS * (WIDTH + MARGIN), max(ends)), "white")
    draw = ImageDraw.Draw(page)
    for left, top, small, name in placed:
        draw.text((left, top), name, fill="black", font=font)
        page.paste(small, (left, top + NAME_HEIGHT))
    return page


def write(paths: Sequence[str | Path], target: str | Path) -> None:
    """Write the sheet of some figures as PNG, with the provenance of all of them; whole or not at all.

    Raises:
        FileError: it cannot be written; or a figure cannot be read, or carries none.
    """
    record = provenance.union([provenance.read(path) for path in paths])
    text = PngInfo()
    for key, value in provenance.of_figure(target, record).items():
        text.add_text(key, value)
    content = io.BytesIO()
    sheet(paths).save(content, format="PNG", optimize=True, pnginfo=text)
    provenance.write(target, content.getvalue())

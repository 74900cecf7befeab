import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from optide.base.errors import OptideError
from optide.data import provenance
from optide.show import gallery, plotting


@pytest.fixture
def paths(tmp_path):
    """Six pictures of two shapes, each in one colour and with a record of its own."""
    paths = []
    for i, (height, colour) in enumerate(
        zip((1, 2, 1, 1, 1, 2), ("red", "lime", "blue", "cyan", "orange", "pink"), strict=True)
    ):
        paths.append(tmp_path / f"fig{i}.png")
        plotting.save(
            Figure(figsize=(2, height), facecolor=colour),
            paths[-1],
            {"configuration": {f"figures.{i}": "0"}, "traces": {}},
        )
    return paths


def test_every_picture_is_there_whole_and_none_covers_another(paths):
    page = np.asarray(gallery.sheet(paths))
    colours, counts = np.unique(page.reshape(-1, 3), axis=0, return_counts=True)
    areas = dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))
    for path in paths:
        with Image.open(path) as picture:
            colour = picture.convert("RGB").getpixel((0, 0))
            height = round(picture.height * gallery.WIDTH / picture.width)
        assert areas[colour] == gallery.WIDTH * height


def test_the_sheet_is_the_same_to_the_byte_and_carries_the_provenance_of_all(paths, tmp_path):
    for name in ("one", "two"):
        gallery.write(paths, tmp_path / f"{name}.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert set(provenance.read(tmp_path / "one.png")["configuration"]) == {f"figures.{i}" for i in range(6)}


def test_a_picture_of_others_is_named(paths, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "foreign.png")
    with pytest.raises(OptideError, match=r"foreign.png: carries no provenance"):
        gallery.write([*paths, tmp_path / "foreign.png"], tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()

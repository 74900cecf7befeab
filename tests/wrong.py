"""One wrong value at a time in a finished run, in every kind of artefact, written as a program would write it.

Each function changes a file of the run in the working directory, seals it again where files are sealed, and says what
it did.
"""

import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from optide.data import provenance, seal, tolerances, traces
from optide.problem.registry import OBJECTIVES
from optide.settings.figures import figure_runs
from optide.settings.looks import looks
from optide.show import audit_figure, explorer, plotting, rates_figure
from optide.studies import rates
from optide.studies.audit import is_example


def number(value, rng, tolerance=tolerances.RELATIVE["discrete"]):
    """Another number in place of a floating-point one: by much, by a thousand times the tolerance, or none."""
    wrong = [
        99.0,
        value * (1 + 1000 * tolerance) or 1e-3,
        value * 1.01 or 1e-6,
        value + 1.0,
        -value or -0.5,
        float("nan"),
        None,
    ]
    return wrong[rng.integers(len(wrong))]


def residual(value, rng):
    """Another residual, if not one that is rounding, too."""
    wrong = [99.0, value * 1.1 + 1000 * tolerances.NO_RESIDUAL, float("nan"), None]
    return wrong[rng.integers(len(wrong))]


def in_parquet(path, rng):
    """A value in any row and column of a file of results."""
    table = seal.read(path)
    name = table.schema.names[rng.integers(len(table.schema.names))]
    values, row = table[name].to_pylist(), int(rng.integers(table.num_rows))
    old, kind = values[row], table.schema.field(name).type
    if pa.types.is_floating(kind):
        new = 0.125 if old is None else residual(old, rng) if name == "residual" else number(old, rng)
    elif pa.types.is_boolean(kind):
        new = rng.choice([not old, None]) if old is not None else True
    elif pa.types.is_string(kind):
        new = [f"{old}x", old[:-1] or "y", None][rng.integers(3)]
    else:
        new = [old + 1, old - 1, -old - 7, None][rng.integers(4)]
    values[row] = new
    column = pa.array(values, kind, from_pandas=False)
    seal.write(path, table.set_column(table.schema.get_field_index(name), name, column))
    return f"{name} in row {row}: {new!r} for {old!r}"


def in_metadata(path, rng):
    """What a trace says of the solver or of its configuration."""
    described = traces.metadata(path)
    lane = described["lanes"][rng.integers(len(described["lanes"]))]
    wrong = {
        "theta0": lambda: lane.update(theta0=lane["theta0"] + 0.1),
        "objective": lambda: described["configuration"].update(objective="another"),
    }
    if "iterations" in lane:
        wrong["iterations"] = lambda: lane.update(iterations=lane["iterations"] + 1)
        wrong["residual"] = lambda: lane.update(residual=lane["residual"] * 1.5 + 1e-7)
        wrong["residuals"] = lambda: lane["residuals"].append(1e-3)
        wrong["converged"] = lambda: lane.update(converged=not lane["converged"])
    name = rng.choice([*wrong])
    wrong[name]()
    traces.write(path, traces.read(path), described)
    return f"{name} in the metadata"


def sealed_again(path, content, table=b""):
    """Write a file whose content was changed, with a new seal."""
    blank = re.sub(rb"sealed:[0-9a-f]{64}", seal.BLANK.encode(), content)
    provenance.write(path, seal._with_checksums(blank), table)


def text(old, rng):
    """Another text for a cell: one digit or letter of it."""
    places = [i for i, character in enumerate(old) if character.isalnum()]
    if not places:
        return old + "1"
    place = places[rng.integers(len(places))]
    other = str((int(old[place]) + 1) % 10) if old[place].isdecimal() else "q" if old[place] != "q" else "z"
    return old[:place] + other + old[place + 1 :]


def in_csv(path, rng):
    """A cell of a table as CSV, or its heading."""
    rows = [*csv.reader(io.StringIO(path.read_text(encoding="utf-8")))]
    row, place = int(rng.integers(len(rows))), int(rng.integers(len(rows[0])))
    old = rows[row][place]
    try:
        new = str(float(old) * (1 + 1e-3) + 1e-6) if "." in old else text(old, rng)
    except ValueError:
        new = text(old, rng)
    rows[row][place] = new
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    path.write_bytes(stream.getvalue().encode())
    metadata = path.with_name(path.name + provenance.CSV_METADATA)
    sealed_again(metadata, metadata.read_bytes(), path.read_bytes())
    return f"row {row}, {rows[0][place]}: {new!r} for {old!r}"


def in_csv_metadata(path, rng):
    """The name of the table that metadata describe."""
    table = path.with_name(path.name.removesuffix(provenance.CSV_METADATA))
    sealed_again(path, path.read_bytes().replace(b'"url": "', b'"url": "another-'), table.read_bytes())
    return "another table"


def in_page(path, rng):
    """A character of a table as Markdown, LaTeX or HTML, or of the text around it."""
    content = path.read_text(encoding="utf-8")
    body = provenance.without(path.suffix, content)
    lines = body.splitlines()
    cells = [i for i, line in enumerate(lines) if re.search(r"\w", line) and not line.startswith(("\\", "|:"))]
    chosen = cells[rng.integers(len(cells))]
    # a number below 1e-9 may be a residual, and is rounding then
    words = [word for word in re.finditer(r"[\w.+-]*\w", lines[chosen]) if not re.search(r"e-[1-9]\d$", word[0])]
    word = words[rng.integers(len(words))]
    new = text(word[0], rng)
    lines[chosen] = lines[chosen][: word.start()] + new + lines[chosen][word.end() :]
    sealed_again(path, content.replace(body.rstrip(), "\n".join(lines).rstrip()).encode())
    return f"line {chosen + 1}: {new!r} for {word[0]!r}"


def in_explorer(path, rng):
    """A value of a curve, or a word, in the page that shows all traces."""
    _, data = explorer.unpack(path.read_text(encoding="utf-8"))
    lane = data["lanes"][rng.integers(len(data["lanes"]))]
    quantity = rng.choice([*lane["values"]])
    scheme = rng.choice(data["schemes"])
    curve = lane["values"][quantity][scheme].copy()
    row = int(rng.integers(len(curve)))
    old = curve[row]
    curve[row] = 0.25 if np.isnan(old) else (number(old, rng) or 0.75)
    before = path.read_text(encoding="utf-8")
    encoded = [explorer._encode(values.astype("<f8")) for values in (lane["values"][quantity][scheme], curve)]
    key = before.index(f'"theta0": {lane["theta0"]}', before.index(f'"experiment": "{lane["experiment"]}"'))
    at = before.index(encoded[0], key)
    sealed_again(path, (before[:at] + encoded[1] + before[at + len(encoded[0]) :]).encode())
    return f"{quantity}, {scheme}, in row {row}: {curve[row]} for {old}"


def in_words_of_explorer(path, rng):
    """A word of the page around the traces."""
    content = path.read_text(encoding="utf-8")
    word = rng.choice(["published scheme", "Learning rate", "discrete algorithm", "above the keyboard", "Drag to zoom"])
    word = word if word in content else "Drag to zoom"
    sealed_again(path, content.replace(word, "Something else", 1).encode())
    return f"another text for {word!r}"


def redrawn(path):
    """The figure of a file of a run, drawn anew, and its record."""
    config = yaml.safe_load(Path("config.yaml").read_text())
    record = provenance.read(path)
    name = path.stem
    if name == "rates":
        return rates_figure.draw(rates.read("results/rates.parquet"), config["rates"]), record
    if name == "audit":
        example = config["audit"]["example"]
        lanes = [lane for source in record["traces"] for lane in traces.lanes(source)]
        chosen = [lane for lane in lanes if is_example(lane.configuration, example)]
        minima = OBJECTIVES[chosen[0].configuration["objective"]].minima
        return audit_figure.draw(chosen, minima, example["first"]), record
    scheme = path.parent.name
    sources = [
        f"results/traces/{of}/{experiment}/lr{rate}.parquet"
        for of in ("discrete", scheme)
        for experiment, rate in figure_runs(config, name)
    ]
    lanes = [lane for source in sources for lane in traces.lanes(source)]
    return plotting.draw(config["figures"][name], lanes, scheme, looks(config, name)), record


def in_drawing(path, rng):
    """A figure that draws something else, with the right record: one point, a colour, a curve, a word, a limit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Data has no positive values")
        figure, record = redrawn(path)
    panels = [axes for axes in figure.axes if axes.get_lines()]
    panel = panels[rng.integers(len(panels))]
    lines = panel.get_lines()
    line = lines[rng.integers(len(lines))]
    what = rng.choice(["point", "point", "point", "colour", "curve", "marker", "dashes", "title", "limits", "legend"])
    match what:
        case "point":
            y = np.array(line.get_ydata(), float)
            (at,) = np.nonzero(np.isfinite(y))
            row = at[rng.integers(len(at))]
            # what is below that is rounding where it is a residual
            y[row] = y[row] * (1 + 10 ** -rng.uniform(1, 3)) if abs(y[row]) > tolerances.NO_RESIDUAL else 0.1
            line.set_ydata(y)
        case "colour":
            line.set_color("#123456")
        case "curve":
            line.remove()
        case "marker":
            line.set_marker("*")
        case "dashes":
            line.set_linestyle((0, (9, 9)))
        case "title":
            panel.set_title("another title")
        case "limits":
            low, high = panel.get_xlim()
            panel.set_xlim(low, low + 0.9 * (high - low))
        case "legend":
            figure.legends[0].get_texts()[0].set_text("another label")
    plotting.save(figure, path, record)
    return f"another {what}"


def exchanged(path, rng):
    """The file of another figure in place of a figure."""
    others = sorted(set(path.parent.parent.rglob(f"fig*{path.suffix}")) - {path})
    other = others[rng.integers(len(others))]
    path.write_bytes(other.read_bytes())
    return f"the file {other.parent.name}/{other.name}"


def in_pixels(path, rng):
    """A few pixels of another colour, in a file with all it carries."""
    with Image.open(path) as image:
        kept = PngInfo()
        for key, value in image.text.items():
            kept.add_text(key, value)
        left, top = int(rng.integers(image.width - 3)), int(rng.integers(image.height - 3))
        changed = image.convert("RGB")
    old = changed.getpixel((left, top))
    changed.paste(tuple(255 - c if abs(255 - 2 * c) > 60 else 0 for c in old), (left, top, left + 3, top + 3))
    stream = io.BytesIO()
    changed.save(stream, format="PNG", pnginfo=kept)
    sealed_again(path, stream.getvalue())
    return f"9 pixels from {left}, {top}"

"""One HTML page that shows every trace, interactively, without a network.

The page is self-contained: plotly.js comes from the `plotly` package, and the values of the traces are
in it as little-endian bytes in base64, exact to the last bit.  It names no address and its
Content-Security-Policy forbids to load anything.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from plotly.offline import get_plotlyjs

from optide.data import provenance
from optide.data.traces import Trace, choice
from optide.numerics import elementary
from optide.problem.registry import symbols, written
from optide.settings.config import start
from optide.settings.schemes import CONTINUOUS, SCHEMES
from optide.show.page import rendered

KEY = ("objective", "optimizer", "experiment", "learning_rate", "hyperparameters", "theta0")
"""What a configuration is chosen by, in the order of the controls of the page."""

WHOLE = 1500
"""Up to so many steps a trace is kept whole."""

_DATA = re.compile(r'(?<=<script id="data" type="application/json">).*?(?=</script>)', re.DOTALL)

RANGES = 100
"""A longer one is divided into so many ranges of equal length, and once more on a logarithmic scale."""


def write(traces: Iterable[Trace], path: str | Path, record: provenance.Record) -> None:
    """Write the page, with its provenance; whole or not at all.

    Args:
        traces: of all schemes; a configuration that one of them lacks is left out.
        path: of the page.
        record: its provenance.

    Raises:
        FileError: it cannot be written.
    """
    provenance.write(path, (page(list(configurations(traces))) + provenance.of_text(path, record)).encode())


def page(shown: Sequence[Mapping[str, Any]]) -> str:
    """The page that shows some `configurations`."""
    data = {"schemes": [*SCHEMES], "key": KEY, "names": names(shown), "lanes": shown}
    return rendered("explorer", data, plotly=get_plotlyjs(), schemes=SCHEMES.values(), whole=WHOLE, ranges=2 * RANGES)


def names(shown: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the page calls what it names: schemes, objectives, optimizers and quantities."""
    found = {scheme.name: scheme.title for scheme in SCHEMES.values()} | {"loss": "loss f(θ)"}
    found |= {lane[kind]: written(lane[kind]) for lane in shown for kind in ("objective", "optimizer")}
    quantities = sorted({quantity for lane in shown for quantity in lane["values"]} - {"loss"})
    return found | {quantity: symbols(quantity)[0] for quantity in quantities}


def configurations(traces: Iterable[Trace]) -> Iterable[dict[str, Any]]:
    """What the page holds of each configuration that all schemes have: its `KEY`, solver reports and values."""
    by_key: dict[tuple[Any, ...], dict[str, Trace]] = {}
    for trace in traces:
        c = trace.configuration
        theta0 = c["theta0"] if isinstance(c["theta0"], float) else start(c["theta0"])
        told = {**{name: c[name] for name in KEY}, "hyperparameters": choice(c), "theta0": theta0}
        by_key.setdefault(tuple(told[name] for name in KEY), {})[c["scheme"]] = trace
    for key, lanes in by_key.items():
        if set(lanes) == set(SCHEMES):
            yield dict(zip(KEY, key, strict=True)) | _values(lanes)


def _values(lanes: Mapping[str, Trace]) -> dict[str, Any]:
    configuration = lanes["discrete"].configuration
    steps = configuration["steps"] + 1
    curves = {
        quantity: {scheme: _on_grid(trace, quantity, steps) for scheme, trace in lanes.items()}
        for quantity in lanes["discrete"].quantities
    }
    gaps = [np.abs(by["discrete"] - by[scheme]) for by in curves.values() for scheme in CONTINUOUS]
    kept = thin(np.array([*(curve for by in curves.values() for curve in by.values()), *gaps]))
    return {
        "steps": steps,
        "reports": {
            scheme: {name: lanes[scheme].configuration[name] for name in ("converged", "iterations", "residual")}
            for scheme in CONTINUOUS
        },
        "k": _encode(kept.astype("<i4")),
        "values": {
            quantity: {scheme: _encode(curve[kept].astype("<f8")) for scheme, curve in by.items()}
            for quantity, by in curves.items()
        },
    }


def _on_grid(trace: Trace, quantity: str, steps: int) -> np.ndarray:
    """A quantity by the step it belongs to, (steps,); NaN where the trace has none."""
    curve = np.full(steps, np.nan)
    k, values = trace.curve(quantity)
    curve[k] = values
    return curve


def thin(curves: np.ndarray) -> np.ndarray:
    """The steps to keep so that no curve loses a peak, in order.

    Args:
        curves: (c, n); NaN where a curve has no value.

    Returns:
        All n steps up to `WHOLE` of them.  Of more, in each of the `RANGES` the steps at which any
        curve is smallest or largest, and the first and the last.
    """
    n = curves.shape[1]
    if n <= WHOLE:
        return np.arange(n)
    ends = np.concatenate([np.linspace(0, n, RANGES + 1), elementary.geometric(1, n, RANGES + 1)])
    kept = [np.array([0, n - 1])]
    for low, high in pairwise(np.unique(np.rint(ends).astype(int))):
        part = curves[:, low:high]
        part = part[~np.isnan(part).all(axis=1)]
        kept += [low + np.nanargmin(part, axis=1), low + np.nanargmax(part, axis=1)]
    return np.unique(np.concatenate(kept))


def _encode(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _decode(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind).astype(kind[1:])


def is_one(text: str) -> bool:
    """Whether a page is an explorer."""
    return _DATA.search(text) is not None


def unpack(text: str) -> tuple[str, dict[str, Any]]:
    """The page without its data, and the data, with arrays in place of their encoding.

    Raises:
        ValueError, KeyError: they are not what `page` was given.
    """
    if not (found := _DATA.search(text)):
        raise ValueError("no data of an explorer")
    data = json.loads(found[0])
    for lane in data["lanes"]:
        lane["k"] = _decode(lane["k"], "<i4")
        lane["values"] = {
            quantity: {scheme: _decode(curve, "<f8") for scheme, curve in by.items()}
            for quantity, by in lane["values"].items()
        }
    return _DATA.sub("", text), data

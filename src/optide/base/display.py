"""What runs and solves show of themselves: a frame of pandas, and a line with a small picture in a notebook.

pandas and matplotlib are imported where they are first needed.
"""

import html
import io
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from optide.base.lazy import jax

if TYPE_CHECKING:
    import pandas as pd

Panels = Mapping[str, tuple[np.ndarray, list[np.ndarray]]]
"""By title: what is across, (n,), or (..., n) where there are lanes, and curves of the same shape."""

FEW = 8
"""Curves of a panel: of so many elements of theta, and of so many lanes."""
POINTS = 400
"""Of a curve, in a picture that is two inches wide."""
_WIDTH, _HEIGHT = 2.2, 1.3  # inches, of a panel


def frame(result: Any) -> "pd.DataFrame":
    """A result as a frame, a row for each time.

    Args:
        result: a run or a solve, with arrays `t`, perhaps `u`, `theta` and a mapping `state`, or what is `observed`.

    Returns:
        Columns t, u, theta and the states, or what is observed; of an array each element, as `theta[0]` or
        `theta[0,1]`, and of a tree each leaf, as `theta.w[0]` or `observed.loss`; if two leaves had one name so, as
        Python writes it, `theta['w'][0]`.  Of a batch, whose arrays have a leading axis, a first column `lane`; of one
        of batches, `lane[0]`, `lane[1]` and so on.
    """
    import pandas as pd  # noqa: PLC0415  (a third of a second that a solve needs not)

    times = np.shape(result.t)
    axes = np.indices(times)[:-1]
    lanes = {f"lane[{i}]" if len(axes) > 1 else "lane": axis.ravel() for i, axis in enumerate(axes)}
    for simple in (True, False):
        columns = [part for whole, of in _quantities(result).items() for part in _parts(whole, of, times, simple)]
        if len(dict(columns)) == len(columns):
            break
    return pd.DataFrame(lanes | {name: values.ravel() for name, values in columns})


def of_result(result: Any) -> str:
    """A result for a notebook, likewise: theta and the states over time, the first few elements of each."""
    times = np.shape(result.t)
    quantities = _quantities(result)
    t, u = quantities.pop("t"), quantities.pop("u", result.t)
    at_t = ("theta", "observed")
    panels = {
        whole: (t if whole in at_t else u, [v for _, v in itertools.islice(_parts(whole, of, times), FEW)])
        for whole, of in quantities.items()
    }
    return in_html(result, panels)


def in_html(result: object, panels: Panels) -> str:
    """A result for a notebook: what its `repr` is, and small panels side by side, the same each time.

    Where it is narrow, as on a phone, they scroll.
    """
    return f"<div style='overflow-x: auto'><code>{html.escape(repr(result))}</code><br/>{_picture(panels)}</div>"


def _picture(panels: Panels) -> str:
    import matplotlib as mpl  # noqa: PLC0415  (half a second that a solve needs not)
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({"svg.hashsalt": "optide", "font.size": 7, "lines.linewidth": 1.0}):
        figure = Figure(figsize=(_WIDTH * len(panels), _HEIGHT), layout="constrained")
        (row,) = figure.subplots(1, len(panels), squeeze=False)
        for axes, (title, (across, curves)) in zip(row, panels.items(), strict=True):
            axes.set_title(title)
            for curve in curves:
                axes.plot(_thinned(across), _thinned(curve))
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    # an element of a page begins where its XML declaration and document type end
    return content.getvalue()[content.getvalue().index("<svg") :]


def _quantities(result: Any) -> dict[str, Any]:
    times = {name: getattr(result, name) for name in ("t", "u") if hasattr(result, name)}
    if getattr(result, "observed", None) is not None:  # of theta at all times there is nothing else
        return {**times, "observed": result.observed}
    return {**times, "theta": result.theta, **result.state}


def _parts(name: str, tree: Any, times: tuple[int, ...], simple: bool = True) -> Iterator[tuple[str, np.ndarray]]:
    """The elements of all leaves, each of the shape of the times."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        keys = jax.tree_util.keystr(path, simple=simple, separator=".") if path else ""
        whole = f"{name}.{keys}" if keys and simple else name + keys
        for place in np.ndindex(np.shape(leaf)[len(times) :]):
            element = f"[{','.join(map(str, place))}]" if place else ""
            yield whole + element, np.asarray(leaf)[(*[slice(None)] * len(times), *place)]


def _thinned(curve: np.ndarray) -> np.ndarray:
    """At most about `POINTS` of a curve, or of each of the first few lanes; as matplotlib takes them, a column each."""
    points = np.shape(curve)[-1]
    return np.reshape(curve, (-1, points))[:FEW, :: -(-points // POINTS)].T

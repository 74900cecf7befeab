"""Tables as pages of HTML of their own, readable in the dark and on a phone."""

from collections.abc import Sequence

from tabulate import tabulate

_STYLE = (
    ":root { color-scheme: light dark; font: 14px system-ui, sans-serif; background: Canvas; color: CanvasText } "
    "table { border-collapse: collapse } thead { position: sticky; top: 0; background: Canvas } "
    "th, td { padding: 2px 8px; text-align: left; white-space: nowrap } "
    "tbody tr:nth-child(odd) { background: rgb(128 128 128 / 12%) }"
)


def page(
    title: str, headings: Sequence[str], cells: Sequence[Sequence[str]], note: str, *, wrapped: bool = False
) -> str:
    """A whole page with one table and a note below it.

    Args:
        title: of the page.
        headings: of the columns.
        cells: rows of cells, as plain text.
        note: as plain text.
        wrapped: whether cells hold sentences, and may have several lines.
    """
    body = tabulate(cells, headings, tablefmt="html", disable_numparse=True)
    style = _STYLE + (" td { white-space: normal; vertical-align: top }" if wrapped else "")
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{style}</style>\n'
        f"{body}\n<p>{note}</p>\n</html>\n"
    )

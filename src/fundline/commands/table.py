"""Tables for people: columns as wide as their widest cell."""

from collections.abc import Collection, Sequence

from fundline.platform.terminal import one_line


def aligned(rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> list[str]:
    """One line a row, the first being the header; columns whose place is in `right` hold amounts, and end together."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

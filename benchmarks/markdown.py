"""A Markdown table, columns padded, numbers to the right."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """``rows`` under ``header``; a column is set to the right where every cell of it begins with a digit or is '-'."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [
        all(cell[:1].isdigit() or cell == "-" for cell in column[1:]) and i > 0 for i, column in enumerate(columns)
    ]
    rule = ["-" * (width - 1) + ":" if to else "-" * width for width, to in zip(widths, right, strict=True)]
    lines = [_line(header, widths, right), _line(rule, widths, right), *(_line(row, widths, right) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to else cell.ljust(width) for cell, width, to in zip(cells, widths, right, strict=True)
    )
    return "| " + " | ".join(padded) + " |"

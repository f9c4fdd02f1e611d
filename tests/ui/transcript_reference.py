"""A naive rendering of conversations, sharing nothing with the product's: whole texts, no cache."""

import unicodedata


def cells(text):
    """The width of *text*, for characters that are one or two cells wide or marks."""
    return sum(
        0
        if unicodedata.combining(char) or char in "\u200b\u200d\ufe0f"
        else 2
        if unicodedata.east_asian_width(char) in "WF"
        else 1
        for char in text
    )


def clusters(word):
    """A word as letters with their marks."""
    found = []
    for char in word:
        if found and cells(char) == 0:
            found[-1] += char
        else:
            found.append(char)
    return found


def wrapped(text, width):
    """Greedy wrapping at single spaces; words that are too long are cut where they must."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and cells(line) + 1 + cells(word) <= width:
            line += " " + word
            continue
        if line:
            lines.append(line)
        line = ""
        for cluster in clusters(word):
            if cells(line) + cells(cluster) > width:
                lines.append(line)
                line = ""
            line += cluster
    return [*lines, line]


def folded(text, width):
    lines, line = [], ""
    for cluster in clusters(text):
        if cells(line) + cells(cluster) > width:
            lines.append(line)
            line = ""
        line += cluster
    return [*lines, line]


def paragraph(text, width):
    return wrapped(text, min(width, 100))


def code(lines, width):
    return ["│ " + piece for line in lines for piece in folded(line, width - 2)]


def bullets(items, width):
    lines = []
    for item in items:
        first, *rest = wrapped(item, min(width - 2, 100))
        lines += ["• " + first, *("  " + line for line in rest)]
    return lines


def listed(rows, width):
    """A table that does not fit: a line for each cell, with the name of its column."""
    names, *others = rows
    lines = []
    for row in others:
        lines += ["─" * width] if lines else []
        for name, cell in zip(names, row, strict=True):
            lines += wrapped(f"{name}: {cell}", width)
    return lines


def message(head, blocks, width):
    """The lines of a message: blocks are ("paragraph" | "code" | "bullets", content)."""
    lines = ["", head]
    for number, (kind, content) in enumerate(blocks):
        lines += [""] if number else []
        lines += {"paragraph": paragraph, "code": code, "bullets": bullets}[kind](content, width)
    return lines


def markdown(blocks):
    """The source of the same blocks."""
    sources = []
    for kind, content in blocks:
        if kind == "paragraph":
            sources.append(content)
        elif kind == "code":
            sources.append("\n".join(["```", *content, "```"]))
        else:
            sources.append("\n".join(f"- {item}" for item in content))
    return "\n\n".join(sources)

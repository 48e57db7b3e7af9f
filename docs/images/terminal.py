#!/usr/bin/env python3
"""Draws what a command printed on a terminal as SVG: the pictures at the top of the READMEs.

    script -qec 'stty cols 108; tidu demo --lang zh' /dev/null | docs/images/terminal.py '$ tidu demo' > demo.svg
"""
import html
import re
import sys
import unicodedata

WIDTH, HEIGHT, SIZE, MARGIN = 8.1, 18.0, 13.0, 14.0
COLOURS = {"31": "#e06c75", "32": "#98c379", "33": "#e5c07b", "38;5;9": "#e06c75", "38;5;10": "#98c379",
           "38;5;11": "#e5c07b"}
PLAIN, BACKGROUND = "#d7dae0", "#1e2127"


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def drawn(line, y):
    out, style, column = [], {}, 0
    parts = re.split(r"\x1b\[([0-9;]*)m", line)
    for index, part in enumerate(parts):
        if index % 2:  # a change of the style
            if part in ("", "0"):
                style = {}
            elif part == "1":
                style["font-weight"] = "bold"
            elif part == "2":
                style["fill-opacity"] = "0.6"
            elif part in COLOURS:
                style["fill"] = COLOURS[part]
            elif part in ("39", "22"):
                style = {}
            continue
        # Words get a place of their own, so that columns agree whatever the font.
        for word in re.finditer(r"\S+", part):
            x = MARGIN + WIDTH * (column + columns(part[:word.start()]))
            length = WIDTH * columns(word.group())
            attributes = "".join(f' {name}="{value}"' for name, value in style.items())
            out.append(f'<text x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}"{attributes}>'
                       f"{html.escape(word.group())}</text>")
        column += columns(part)
    return out


def main():
    title = sys.argv[1]
    lines = [line.rstrip() for line in sys.stdin.read().replace("\r", "").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    lines = [f"\x1b[1m{title}\x1b[0m", *lines]
    width = 2 * MARGIN + WIDTH * max(columns(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    height = 2 * MARGIN + HEIGHT * len(lines)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
          f'font-family="ui-monospace, Menlo, Consolas, \'Noto Sans Mono CJK SC\', monospace" '
          f'font-size="{SIZE}" fill="{PLAIN}" role="img" aria-label="{html.escape(title)}">')
    print(f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>')
    for number, line in enumerate(lines):
        print("\n".join(drawn(line, MARGIN + HEIGHT * (number + 0.75))))
    print("</svg>")


main()

"""A page needs nothing beside it, and what is put into it stays text."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.report.lines import Line, lines
from tagger.report.page import (
    Chip,
    Chips,
    Figure,
    Grid,
    Note,
    Page,
    Picture,
    Section,
    Table,
    Text,
    render,
    write_page,
)
from tagger.report.svg import Point, cells, columns, points

pytest.importorskip("jinja2")

EVIL = """"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"""
SVG = "{http://www.w3.org/2000/svg}"


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page_of(text: str) -> Page:
    """Every part there is, with a text in each place that takes one."""
    chip = Chip(text, text, text)
    series = {text: [Point(1, 2, text), Point(100, 30, text)]}
    parts = [
        Text(text),
        Note(text, "bad"),
        Table([text, text, text], [[text, 1234567, chip]], text),
        Figure(points(series, text, text), text, [text]),
        Figure(columns([text], {text: [3]}, text, text), text),
        Figure(cells([[1]], [text], [text], text, text), text),
        Chips([chip], text),
        Grid([Picture("data:image/webp;base64,AA==", text, text)], text),
    ]
    return Page(text, text, [(text, text)], [Note(text)], [Section(text, parts)])


def test_markup_stays_text() -> None:
    """In every place of every part: no element and no attribute comes of it."""
    evil, plain = Reader(render(page_of(EVIL))), Reader(render(page_of("plain")))
    assert [tag for tag, _ in evil.elements] == [tag for tag, _ in plain.elements]
    assert [set(a) for _, a in evil.elements] == [set(a) for _, a in plain.elements]
    assert "".join(plain.text).count("plain") == "".join(evil.text).count(EVIL)


def test_a_page_loads_nothing() -> None:
    """No script, no link but within the page, no picture but in it; the page itself forbids it."""
    html = render(page_of("plain"))
    for tag, attributes in Reader(html).elements:
        assert tag not in {"script", "link", "iframe", "object", "form"}
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in html
    assert "@import" not in html
    policy = next(a["content"] for _, a in Reader(html).elements if "http-equiv" in a)
    assert "default-src 'none'" in (policy or "")


def test_numbers_stand_as_people_write_them() -> None:
    text = "".join(Reader(render(page_of("plain"))).text)
    assert "1,234,567" in text


def test_a_page_of_nothing_is_a_page() -> None:
    assert Reader(render(Page("empty"))).elements[0][0] == "html"


def test_a_page_that_cant_be_written_leaves_nothing(tmp_path: Path) -> None:
    """A folder of its name in the way: one sentence, and no half-written file beside it."""
    (tmp_path / "page.html").mkdir()
    with pytest.raises(UsageError, match=r"page\.html: expected to write a page"):
        write_page(tmp_path / "page.html", Page("empty"))
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def drawn(svg: str, tag: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(tag))


def test_points_lie_by_their_logarithms() -> None:
    """Ten times as much is as far again, to the right and up."""
    svg = points({"general": [Point(1, 10), Point(10, 100), Point(100, 1000)]}, "rank", "count")
    places = [(float(p.get("cx", "")), float(p.get("cy", ""))) for p in drawn(svg, "circle")]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert x0 < x1
    assert y1 < y0


def test_columns_stack_in_proportion() -> None:
    """A group twice as large is twice as high; the second group stands on the first."""
    svg = columns(["a", "b"], {"g": [10, 20], "q": [0, 40]}, "split", "pictures")
    first, second, on_top = drawn(svg, "rect")
    high = [float(one.get("height", "")) for one in (first, second, on_top)]
    assert high[1] == pytest.approx(2 * high[0], abs=0.02)
    assert high[2] == pytest.approx(4 * high[0], abs=0.05)
    assert float(on_top.get("y", "")) + high[2] == pytest.approx(
        float(second.get("y", "")), abs=0.05
    )
    assert [one.get("class") for one in (first, second, on_top)] == ["c-g", "c-g", "c-q"]


@pytest.mark.parametrize("most", [1, 2, 7, 99, 100, 12_345, 10**9])
def test_columns_of_any_height_fit(most: int) -> None:
    svg = columns(["a"], {"g": [most]}, "x", "y")
    (column,) = drawn(svg, "rect")
    assert float(column.get("y", "")) >= 0
    assert float(column.get("height", "")) > 40
    assert 2 <= len(drawn(svg, "line")) <= 8


@pytest.mark.parametrize(
    "svg",
    [
        points({"a": []}, "x", "y"),
        columns([], {"g": []}, "x", "y"),
        cells([[0]], ["1"], ["1"], "x", "y"),
    ],
)
def test_a_chart_of_nothing_says_so(svg: str) -> None:
    assert "nothing to draw" in [text.text for text in drawn(svg, "text")]


def test_cells_without_a_count_are_not_drawn() -> None:
    """The more, the stronger."""
    some, more = drawn(cells([[0, 1], [100, 0]], ["1", "2"], ["1", "2"], "x", "y"), "rect")
    assert float(some.get("opacity", "")) < float(more.get("opacity", "")) == 1
    assert float(some.get("y", "")) > float(more.get("y", ""))


def test_a_line_leaves_out_what_is_no_number() -> None:
    """As precision is, where nothing is said."""
    nan = float("nan")
    drawn = [Line("series 1", [(0.0, 0.0), (0.5, nan), (1.0, 1.0)]), Line("series 2", [(nan, nan)])]
    found = [
        line.get("points")
        for line in ElementTree.fromstring(lines(drawn, "x", "y")).iter("polyline")
    ]
    assert [len((points or "").split()) for points in found] == [2, 0]

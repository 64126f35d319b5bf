import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from fake_results import folder, line

from pellucid.bench import front, labels, results
from pellucid.bench.front import Contender
from pellucid.bench.table import tables
from pellucid.pages.charts import Line


def crowd(n=24, seed=0):
    draw = np.random.default_rng(seed)
    return [
        Contender(
            name=f"method-{i}",
            seconds=float(10 ** draw.uniform(-1.5, 2.5)),
            quality=float(draw.uniform(26, 32)),
        )
        for i in range(n)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_no_other_beats(seed):
    points = crowd(40, seed)
    expected = {
        p.name
        for p in points
        if not any(o.seconds <= p.seconds and o.quality >= p.quality and o is not p for o in points)
    }
    best = front.pareto(points)
    assert {p.name for p in best} == expected
    assert [p.seconds for p in best] == sorted(p.seconds for p in best)


def test_oracles_are_never_on_the_front():
    told = Contender(name="told", seconds=1, quality=40, oracle=True)
    fair = Contender(name="fair", seconds=2, quality=30)
    assert front.pareto([told, fair]) == [fair]


def test_of_two_as_fast_the_better_counts():
    one, two = (Contender(name=n, seconds=1, quality=q) for n, q in (("one", 30), ("two", 31)))
    assert front.pareto([one, two]) == [two]


@pytest.mark.parametrize("seed", range(3))
def test_labels_lie_apart_and_inside(seed):
    drawing = front.draw(crowd(18, seed), title="t")
    boxes = [label.box for label in drawing.labels]
    assert all(a.overlap(b) == 0 for a, b in combinations(boxes, 2))
    assert all(box.left >= 0 and box.right <= front.WIDTH and box.top >= 0 for box in boxes)


def test_two_points_at_one_place_get_two_labels():
    points = [Contender(name=n, seconds=1, quality=30) for n in ("first", "second")]
    one, two = front.draw(points, title="t").labels
    assert one.box.overlap(two.box) == 0


def test_rows_without_a_time_or_a_score_are_not_drawn(tmp_path):
    lines = [
        line("nlm", "a"),
        line("tv", "a", seconds=None),
        line("noisy", "a", seconds=0.0),
        line("median", "a", psnr=float("inf")),
        line("bm3d@sigma", "a"),
    ]
    (table,) = tables(results.read(folder(tmp_path / "r", lines)))
    assert {(p.name, p.oracle) for p in front.contenders(table)} == {("nlm", False), ("bm3d@sigma", True)}


def test_both_pictures_can_be_opened():
    drawing = front.draw(
        [*crowd(6), Contender(name="a<b", seconds=3, quality=31, oracle=True)], title="Set & crop"
    )
    root = ET.fromstring(front.svg(drawing, alone=True))
    assert root.attrib["aria-label"].startswith("Set & crop: 7 methods")
    assert "a<b" in "".join(root.itertext())
    assert front.png(drawing)[:8] == b"\x89PNG\r\n\x1a\n"


def test_no_points_is_an_error():
    with pytest.raises(ValueError, match="got none"):
        front.draw([], title="t")


def test_one_point_has_axes():
    drawing = front.draw([Contender(name="only", seconds=0.5, quality=30)], title="t")
    grid = [shape for shape in drawing.shapes if isinstance(shape, Line) and shape.kind == "grid"]
    assert sum(line.start[0] == line.end[0] for line in grid) >= 2
    assert sum(line.start[1] == line.end[1] for line in grid) >= 2


def test_a_label_keeps_off_the_point_of_another():
    room = labels.Box(left=0, top=0, right=400, bottom=200)
    (label, _) = labels.place([(100, 100), (118, 100)], ["abcdef", "x"], room)
    assert not (label.box.left < 118 < label.box.right and label.box.top < 100 < label.box.bottom)

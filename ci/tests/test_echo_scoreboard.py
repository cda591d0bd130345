"""The echo scoreboard: whoever is best must be shown as best, and what was never reached as never."""

import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from echo import DOUBLE_TALK, SINGLE_TALK, Board, draw_alone, draw_double_talk, signed, table


def board() -> Board:
    """Two engines: the first takes 10 dB of every echo, the second 30 dB, and nothing in the first second."""

    def engine(name: str, level: float) -> dict:
        scene = {"erle": level, "to_20_db": None if level < 20 else 1.25, "curve": [None, 0.0, level, 200.0, -5.0]}
        talk = scene | {"si_sdr": level / 10, "kept": -level / 10, "erle_after": level}
        scenes = {name: scene for name, _ in SINGLE_TALK} | {name: talk for name, _ in DOUBLE_TALK}
        return {"name": name, "latency_ms": level, "cost_ms_per_second": level, "scenes": scenes}

    came = {name: -1.0 for name, _ in DOUBLE_TALK}
    engines = [engine("one", 10.0), engine("two", 30.0)]
    return Board({"point": 0.25, "turn": 10.0, "input_si_sdr": came, "engines": engines})


def test_the_best_of_a_row_is_bold():
    assert (signed(-1.25, 2), signed(-0.04), signed(None)) == ("−1.25", "0.0", "never")
    rows = table(["a", "b", "c"], [("high", [1.0, 3.0, 3.04], False), ("low", [None, 2.0, 1.0], True)]).splitlines()
    assert rows[0] == "|  | a | b | c |"
    assert rows[2] == "| high | 1.0 | **3.0** | **3.0** |"
    assert rows[3] == "| low | never | 2.0 | **1.0** |"


def test_the_page_has_every_scene_and_engine():
    page = board().document()
    for _, title in SINGLE_TALK + DOUBLE_TALK:
        assert title in page
    assert "| speech, plain room | 10.0 | **30.0** |" in page
    assert "| speech, plain room | never | **1.25** |" in page
    assert "| as loud as the echo: level kept | **−1.0** | −3.0 |" in page
    assert "| ms of one core per second of sound | **10.0** | 30.0 |" in page
    assert "| as a multiple of one's | **1.0** | 3.0 |" in page


def test_the_plots_are_drawn_within_their_frame():
    for drawn in (draw_alone(board()), draw_double_talk(board())):
        image = ElementTree.fromstring(drawn)
        _, _, width, height = (float(number) for number in image.get("viewBox").split())
        lines = [path for path in image.iter() if path.tag.endswith(("line", "rect", "text"))]
        for part in lines:
            for name, end in (
                ("x", width),
                ("x1", width),
                ("x2", width),
                ("y", height),
                ("y1", height),
                ("y2", height),
            ):
                assert 0 <= float(part.get(name, 0)) <= end
    curves = [path for path in ElementTree.fromstring(draw_alone(board())).iter() if path.tag.endswith("path")]
    # A stroke in the legend and one in each panel, for both engines.
    assert len(curves) == 2 * (1 + len(SINGLE_TALK))

"""What a count shows: lines with the speed and the time left, a bar on a terminal, nothing where it is quick."""

import io

from applied_dl.core import console


def counted(monkeypatch, seconds, terminal=False, total=4):
    now, shown = [100.0], io.StringIO()
    monkeypatch.setattr(console.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(console, "live", lambda: terminal)
    monkeypatch.setattr(console.sys, "stderr", shown)
    with console.counting("decode", "images", total) as count:
        for _ in range(4):
            now[0] += seconds
            count(1)
    return shown.getvalue()


def test_a_line_every_ten_seconds(monkeypatch):
    lines = counted(monkeypatch, 5.0).splitlines()
    assert lines == ["decode    2 of 4 images, 0 a second, 10 s left", "decode    4 of 4 images, 0 a second, 0 s left"]
    assert counted(monkeypatch, 10.0, total=None).startswith("decode    1 images, 0 a second\n")


def test_a_quick_count_shows_nothing(monkeypatch):
    assert counted(monkeypatch, 0.01) == ""
    assert counted(monkeypatch, 0.01, terminal=True) == ""


def test_a_bar_that_redraws_itself_and_goes(monkeypatch):
    text = counted(monkeypatch, 1.0, terminal=True)
    assert "\n" not in text
    assert "━" * 12 + " " * 12 in text
    assert text.endswith("\r\x1b[K")

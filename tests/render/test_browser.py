"""The page in a browser without a screen: it fits a phone, complains of nothing and asks for nothing.

Left out where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlgate.findings import Report
from mlgate.render.html import to_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed"),
    pytest.mark.slow,
]

WIDTHS = (360, 768, 1280)

HARNESS = """<!doctype html><meta charset="utf-8"><body><script>
const found = [];
async function look(name, width) {
  const frame = document.createElement("iframe");
  frame.style = `width:${width}px;height:800px;border:0`;
  frame.src = name;
  await new Promise(done => { frame.onload = done; document.body.append(frame); });
  const page = frame.contentDocument, root = page.documentElement;
  const wide = [...page.querySelectorAll("main *")].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && box.right > width + 1 && !one.closest(".scroll") && !one.closest("svg");
  });
  found.push({
    name, width: root.clientWidth,
    scroll: root.scrollWidth,
    wide: wide.slice(0, 5).map(one => `${one.tagName}.${one.className}`),
    asked: frame.contentWindow.performance.getEntriesByType("resource").map(one => one.name),
    scripts: page.scripts.length,
    height: root.scrollHeight,
  });
  frame.remove();
}
(async () => {
  for (const name of PAGES) for (const width of WIDTHS) await look(name, width);
  document.body.textContent = "FOUND" + JSON.stringify(found) + "END";
})();
</script>"""


def look(pages: Mapping[str, str], folder: Path) -> tuple[list[dict[str, Any]], str]:
    """Open pages at each width; return what was found there, and what the browser's console said."""
    names = [f"page-{number}.html" for number in range(len(pages))]
    for name, page in zip(names, pages.values(), strict=True):
        (folder / name).write_text(page, encoding="utf-8", errors="replace")
    harness = folder / "harness.html"
    script = HARNESS.replace("WIDTHS", json.dumps(WIDTHS)).replace("PAGES", json.dumps(names))
    harness.write_text(script, encoding="utf-8")
    assert BROWSER is not None
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
            "--enable-logging=stderr",
            "--virtual-time-budget=60000",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            harness.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    said = re.search(r"FOUND(\[.*\])END", done.stdout, re.DOTALL)
    assert said, done.stderr[-2000:]
    return json.loads(said[1]), "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def expect_well_behaved(pages: Mapping[str, str], folder: Path) -> None:
    """Hold pages to what every reader may expect of them."""
    found, console = look(pages, folder)
    assert console == ""
    assert [one["width"] for one in found] == list(WIDTHS) * len(pages)
    titles = [name for name in pages for _ in WIDTHS]
    for title, one in zip(titles, found, strict=True):
        where = (title, one["width"])
        assert (where, one["asked"]) == (where, [])
        assert (where, one["scripts"]) == (where, 0)
        assert (where, one["wide"]) == (where, [])
        assert (where, one["scroll"]) == (where, one["width"])


def test_every_verdict_fits_a_phone_and_asks_for_nothing(
    approved: Report, blocked: Report, undecided: Report, unread: Report, tmp_path: Path
) -> None:
    """No console message, no request, no scrolling sideways at 360, 768 and 1280 pixels."""
    reports = {"approved": approved, "blocked": blocked, "undecided": undecided, "unread": unread}
    expect_well_behaved({name: to_html(one, digest="d" * 64) for name, one in reports.items()}, tmp_path)


def test_hostile_names_break_nothing(filled: Callable[[str], Report], tmp_path: Path) -> None:
    """Names of columns, groups, classes and charts may be anything."""
    texts = {
        "markup": "<script>console.error(1)</script><img src=http://example.org/x.png>",
        "directions": "\N{ARABIC LETTER ALEF}\N{HEBREW LETTER ALEF}\u202eevil\u200b \N{GRINNING FACE}",
        "endless": "W" * 300,
        "wide": "\N{HIRAGANA LETTER A}" * 300,
    }
    expect_well_behaved({name: to_html(filled(text), digest=text) for name, text in texts.items()}, tmp_path)


def test_a_harness_that_finds_nothing_would_be_noticed(tmp_path: Path) -> None:
    """A page that is too wide, asks for a picture and has a script is caught on all three."""
    bad = "<main><div style='width:999px;margin:-8px'>x</div></main>"
    bad += "<img src='http://127.0.0.1:9/gone.png'><script>console.error(1)</script>"
    found, console = look({"bad": bad}, tmp_path)
    assert found[0]["wide"] == ["DIV."]
    assert found[0]["scroll"] == 999
    assert [str(one).rpartition("/")[2] for one in found[0]["asked"]] == ["gone.png"]
    assert found[0]["scripts"] == 1
    assert "CONSOLE" in console

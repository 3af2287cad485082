"""Pictures of a widget: sharp, whole, with their captions, and never half a file."""

import re
import resource
import signal
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

from gui.views.panel_image import Caption, picture, save_png, save_svg, to_clipboard

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)
SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("Next token <1> & more\x00", "tiny model", "Step 17")


@pytest.fixture
def widget(qtbot):
    """Red, with a blue corner that is scrolled half out of sight, and a line of text that looks like markup."""
    whole = QWidget()
    qtbot.addWidget(whole)
    whole.resize(120, 80)
    whole.setStyleSheet("background: #ff0000")
    area = QScrollArea(whole)
    area.setGeometry(0, 0, 40, 40)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    blue = QLabel()
    blue.setStyleSheet("background: #0000ff")
    blue.resize(90, 90)
    area.setWidget(blue)
    label = QLabel("<b>&</b>", whole)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setGeometry(QRect(50, 50, 60, 20))
    whole.show()
    qtbot.waitExposed(whole)
    return whole


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_png_is_painted_at_its_own_size(widget, tmp_path, scale):
    """A PNG has scale times as many pixels, its caption, and shows what the widget shows."""
    path = tmp_path / "picture.png"
    save_png(widget, str(path), scale, CAPTION)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (120 * scale, 80 * scale)
    assert image.pixelColor(round(20 * scale), round(20 * scale)).name() == "#0000ff"
    assert image.pixelColor(round(45 * scale), round(20 * scale)).name() == "#ff0000"
    assert image.text("Title") == "Next token <1> & more"
    assert image.text("Source") == "tiny model"
    assert image.text("Description") == "Step 17"


def test_an_svg_is_xml_with_text_and_a_caption(widget, tmp_path):
    """An SVG keeps text as text, escapes it, has a title, and one unit for each px."""
    path = tmp_path / "picture.svg"
    save_svg(widget, str(path), CAPTION)
    root = ElementTree.fromstring(path.read_bytes())
    assert root.get("viewBox") == "0 0 120 80"
    assert root.findtext(f"{SVG}title") == "Next token <1> & more"
    assert "tiny model" in root.findtext(f"{SVG}desc")
    assert "<b>&</b>" in "".join(text.text or "" for text in root.iter(f"{SVG}text"))


def test_an_svg_cuts_off_what_is_scrolled_out_of_sight(widget, tmp_path):
    """The blue square, 90 px wide, is clipped to its scroll area of 40 px. (Qt's own SVG reader knows no clipping.)"""
    path = tmp_path / "picture.svg"
    save_svg(widget, str(path))
    root = ElementTree.fromstring(path.read_bytes())
    clipped = [
        group for group in root.iter(f"{SVG}g") if group.get("clip-path") and group.find(f"{SVG}g[@fill='#0000ff']") is not None
    ]
    assert clipped
    for group in clipped:
        outline = root.find(f".//{SVG}clipPath[@id='{group.get('clip-path')[5:-1]}']/{SVG}path").get("d")
        corners = [float(number) for number in re.findall(r"[\d.]+", outline)]
        assert (min(corners), max(corners)) == (0.0, 40.0)


def test_the_clipboard_gets_the_picture(widget):
    """The clipboard holds an image of twice the size."""
    to_clipboard(widget)
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (240, 160)
    QGuiApplication.clipboard().clear()


@pytest.mark.parametrize("save", [save_png, save_svg])
def test_where_nothing_can_be_written_a_sentence_says_so(widget, tmp_path, save):
    """A missing folder and a folder in the file's place are errors with path and reason."""
    for path in (tmp_path / "no" / "picture", tmp_path):
        with pytest.raises(OSError, match="was not saved as") as caught:
            save(widget, str(path))
        assert str(path) in str(caught.value)
        assert caught.value.errno is None


@pytest.mark.parametrize("save", [save_png, save_svg])
def test_a_full_disk_leaves_the_old_file(widget, tmp_path, save):
    """When writing fails half-way the file that was there stays as it was, and nothing is left beside it."""
    path = tmp_path / "picture"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="was not saved as"):
            save(widget, str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_of_impossible_size_is_refused(widget):
    """Neither nothing nor more pixels than memory holds is painted."""
    with pytest.raises(OSError, match="too large"):
        picture(widget, 1000.0)
    with pytest.raises(OSError, match="nothing to take"):
        picture(QWidget(), 0.0)

"""A widget as a picture: PNG, SVG, or on the clipboard, painted anew at the wanted size and saved whole or not at all."""

from dataclasses import dataclass

from PySide6.QtCore import QBuffer, QCoreApplication, QIODevice, QPoint, QSaveFile
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

translate = QCoreApplication.translate
_SVG_UNITS_PER_INCH = 96  # a CSS pixel: one px of the widget is one unit of the drawing
_MOST_PIXELS = 1 << 28  # 1 GiB of memory


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture says of itself in its file: a title, the model, and which step or text is shown."""

    title: str = ""
    model: str = ""
    description: str = ""


def save_png(widget: QWidget, path: str, scale: float = 2.0, caption: Caption | None = None) -> None:
    """Save what the widget shows as PNG, `scale` pixels to a px. Raises OSError with a sentence if that fails."""
    image = picture(widget, scale)
    for key, text in _texts(caption or Caption()).items():
        image.setText(key, text)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise OSError(translate("PanelImage", "The picture could not be made as PNG. Try a smaller scale."))
    _write(path, buffer)


def save_svg(widget: QWidget, path: str, caption: Caption | None = None) -> None:
    """Save what the widget shows as SVG. Raises OSError with a sentence if that fails."""
    buffer = QBuffer()
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)  # the version that can cut off what is scrolled out of sight
    generator.setOutputDevice(buffer)
    generator.setResolution(_SVG_UNITS_PER_INCH)
    generator.setSize(widget.size())
    generator.setViewBox(widget.rect())
    texts = _texts(caption or Caption())
    generator.setTitle(texts.pop("Title", ""))
    generator.setDescription("\n".join(texts.values()))
    _paint(widget, generator, 1.0)
    _write(path, buffer)


def to_clipboard(widget: QWidget, scale: float = 2.0) -> None:
    """Put what the widget shows on the clipboard as a picture. Raises OSError with a sentence if that fails."""
    QGuiApplication.clipboard().setImage(picture(widget, scale))


def picture(widget: QWidget, scale: float) -> QImage:
    """What the widget shows, `scale` pixels to a px. Raises OSError with a sentence if there is not memory enough."""
    size = widget.size() * scale
    if size.isEmpty():
        raise OSError(translate("PanelImage", "There is nothing to take a picture of."))
    if size.width() * size.height() > _MOST_PIXELS:
        text = translate("PanelImage", "A picture of {width:,} × {height:,} pixels is too large. Choose a smaller scale.")
        raise OSError(text.format(width=size.width(), height=size.height()))
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise OSError(translate("PanelImage", "There is not enough memory for the picture. Choose a smaller scale."))
    image.fill(widget.palette().window().color())
    _paint(widget, image, scale)
    dots_per_metre = round(_SVG_UNITS_PER_INCH * scale / 0.0254)
    image.setDotsPerMeterX(dots_per_metre)
    image.setDotsPerMeterY(dots_per_metre)
    return image


def _paint(widget: QWidget, device: QImage | QSvgGenerator, scale: float) -> None:
    painter = QPainter()
    if not painter.begin(device):
        raise OSError(translate("PanelImage", "The picture could not be painted."))
    painter.scale(scale, scale)
    widget.render(painter, QPoint())
    painter.end()


def _texts(caption: Caption) -> dict[str, str]:
    """The caption by the keywords of the PNG standard, without empty ones and without characters that XML forbids."""
    texts = {"Title": caption.title, "Software": "Glassbox", "Source": caption.model, "Description": caption.description}
    return {key: clean for key, text in texts.items() if (clean := "".join(c for c in text if c in "\n\t" or c.isprintable()))}


def _write(path: str, buffer: QBuffer) -> None:
    """Write beside `path` and replace it only when all is on the disk."""
    file = QSaveFile(path)
    data = buffer.data()
    if not file.open(QIODevice.OpenModeFlag.WriteOnly) or file.write(data) != len(data) or not file.commit():
        text = translate("PanelImage", "The picture was not saved as “{path}”: {reason}.")
        raise OSError(text.format(path=path, reason=file.errorString().rstrip(".")))

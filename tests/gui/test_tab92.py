from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from tests.gui.conftest import stage, Stage
def test_x(stage):
    stage.ready()
    w=stage.window.composer.edit
    for i in range(80):
        if w.isVisible(): print(i, type(w).__name__, w.accessibleName(), w.focusPolicy().name, type(w.focusProxy()).__name__, w.isEnabled())
        w=w.nextInFocusChain()
    for _ in range(3):
        stage.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab); w=QApplication.focusWidget(); print("  ", type(w).__name__, w.accessibleName())

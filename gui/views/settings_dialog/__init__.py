"""The settings dialog, built from the declarations of `gui.models.settings`."""

from gui.views.settings_dialog.dialog import SettingsDialog

__all__ = ["SettingsDialog"]

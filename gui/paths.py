"""Where things lie: the user's own files, and the data that comes with the program."""

from pathlib import Path

NAME = "glassbox"
RESOURCES = Path(__file__).resolve().parents[1] / "resources"
OWNER_ONLY = 0o700


class FolderError(Exception):
    """A folder cannot be made; the text is a sentence fit to show."""


class Paths:
    """The folders of one user, as the system has them, or all below `profile` when that is given.

    A folder is made, for the user alone, when it is first asked for. Raises FolderError where that is impossible.
    """

    def __init__(self, profile: Path | None = None):
        self._profile = None if profile is None else profile.expanduser().absolute()

    @property
    def config_folder(self) -> Path:
        """Settings, written by the program and by the user."""
        return self._folder("config")

    @property
    def data_folder(self) -> Path:
        """Conversations."""
        return self._folder("data")

    @property
    def log_folder(self) -> Path:
        """What went wrong."""
        return self._folder("log")

    @property
    def settings_file(self) -> Path:
        """The options, in TOML."""
        return self.config_folder / "settings.toml"

    @property
    def window_file(self) -> Path:
        """Size and place of the window."""
        return self.config_folder / "window.ini"

    @property
    def conversations_file(self) -> Path:
        """What was said."""
        return self.data_folder / "conversations.db"

    @property
    def log_file(self) -> Path:
        """The newest log."""
        return self.log_folder / "glassbox.log"

    @staticmethod
    def resource(*parts: str) -> Path:
        """A file that comes with the program, below `resources`."""
        return RESOURCES.joinpath(*parts)

    @staticmethod
    def bundled_model() -> Path | None:
        """The folder of the model that comes with the program; the first by name of several, None without one."""
        configs = sorted((RESOURCES / "models").glob("*/config.json"))
        return configs[0].parent if configs else None

    def _folder(self, kind: str) -> Path:
        folder = _system_folder(kind) if self._profile is None else self._profile / kind
        try:
            for part in (self._profile, folder):
                if part is not None:
                    part.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderError(
                f"The folder {folder} cannot be made ({error.strerror}). Choose another place with --profile."
            ) from error
        return folder


def _system_folder(kind: str) -> Path:
    from platformdirs import PlatformDirs  # not before set-up: the launcher and --help work without any dependency

    # Without an author, so that Windows does not put the program's name twice into the path.
    folders = PlatformDirs(NAME, appauthor=False)
    return Path({"config": folders.user_config_dir, "data": folders.user_data_dir, "log": folders.user_log_dir}[kind])

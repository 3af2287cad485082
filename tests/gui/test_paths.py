"""Where the user's files lie: for the user alone, all together in a profile, and a plain sentence where that fails."""

import stat
import sys
from pathlib import Path

import pytest

from gui import paths
from gui.paths import FolderError, Paths


def test_a_profile_holds_everything(tmp_path):
    found = Paths(tmp_path / "deep" / "profile")
    files = [found.settings_file, found.window_file, found.log_file, found.data_folder]
    names = ["config/settings.toml", "config/window.ini", "log/glassbox.log", "data"]
    assert files == [tmp_path / "deep/profile" / name for name in names]


def test_a_relative_profile_stays_where_it_was(tmp_path, monkeypatch):
    """Changing the working directory later does not move the user's files."""
    monkeypatch.chdir(tmp_path)
    found = Paths(Path("profile"))
    monkeypatch.chdir("/")
    assert found.data_folder == tmp_path / "profile/data"


@pytest.mark.skipif(sys.platform != "linux", reason="the names of the XDG base directories")
def test_without_a_profile_the_system_decides(tmp_path, monkeypatch):
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    found = Paths()
    assert found.settings_file == tmp_path / "CONFIG/glassbox/settings.toml"
    assert found.data_folder == tmp_path / "DATA/glassbox"
    assert found.log_file == tmp_path / "STATE/glassbox/log/glassbox.log"


def test_folders_are_made_when_asked_for(tmp_path):
    found = Paths(tmp_path / "profile")
    assert not (tmp_path / "profile").exists()
    assert found.settings_file.parent.is_dir()
    assert not (tmp_path / "profile/data").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_folders_are_the_users_alone(tmp_path):
    """Conversations are private: neither the profile nor a folder in it can be read by others."""
    folder = Paths(tmp_path / "profile").data_folder
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, folder.parent)] == [0o700, 0o700]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match=r"The folder .*file/data cannot be made \(.+\). Choose another place with --profile"):
        _ = Paths(tmp_path / "file").data_folder


def test_the_bundled_model_is_the_first_with_a_config(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RESOURCES", tmp_path)
    assert Paths.bundled_model() is None
    for name in ("b", "a", "0-empty"):
        (tmp_path / "models" / name).mkdir(parents=True)
    for name in ("b", "a"):
        (tmp_path / "models" / name / "config.json").touch()
    assert Paths.bundled_model() == tmp_path / "models/a"


def test_resources_are_found():
    assert Paths.resource("icons", "glassbox.svg").is_file()

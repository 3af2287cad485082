"""Room on the disk, and the sentences for its lack."""

import shutil
import tempfile
from pathlib import Path

from gui.bootstrap.errors import SetupError

# Measured with the CPU build of torch: 1.2 GB installed (1.4 GB with the test tools), 0.35 GB of downloads beside it.
BYTES_NEEDED = 1_600_000_000


def require_space(folder: Path, needed_bytes: int = BYTES_NEEDED) -> None:
    """Raise SetupError where the disk of `folder` has too little room for the packages."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise SetupError(
            f"Set-up needs {needed_bytes / 1e9:.1f} GB of disk space in {folder}, of which {free_bytes / 1e9:.1f} GB are free. "
            "Free some and start again."
        )


def no_space(folder: Path) -> str:
    """The sentence for a full disk; packages pass through the temporary folder, so that may be the full one."""
    temporary = tempfile.gettempdir()
    return (
        f"The disk is full: {shutil.disk_usage(folder).free / 1e9:.1f} GB are free in {folder}, "
        f"{shutil.disk_usage(temporary).free / 1e9:.1f} GB in {temporary}. Free some space and start again."
    )

"""What pip prints, read twice: as a phrase for the progress, and as a reason once it has failed."""

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from gui.bootstrap.disk import no_space
from gui.bootstrap.pins import installed_package, normalized

FILE = re.compile(
    r"\s*(Downloading|Using cached|Processing) (?:\S*/)?([^/\s]+?)-(\d[^-\s]*?)(?:-\S+)?(?:\.whl|\.tar\.gz|\.zip)( \([^)]*\))?"
)
COLLECTING = re.compile(r"Collecting ([A-Za-z0-9._-]+)")
BUILDING = re.compile(r"\s*Building wheel for ([A-Za-z0-9._-]+)")
INSTALLING = re.compile(r"Installing collected packages: (.+)")

UNREACHABLE = re.compile(
    r"NewConnectionError|Failed to establish a new connection|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|"
    r"Temporary failure in name resolution|Network is unreachable|Cannot connect to proxy|ProxyError|Connection refused"
)
UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLError")
FULL = re.compile(r"No space left on device|Errno 28|not enough space on the disk", re.IGNORECASE)
ABSENT = re.compile(r"No matching distribution found for (\S+)")
ERROR = re.compile(r"^ERROR: (.+)", re.MULTILINE)


class PipOutput:
    """The lines so far; `phrase` and `detail` say what is being done."""

    def __init__(self, site_packages: Sequence[Path]):
        self.phrase = "Preparing"
        self._site_packages = site_packages
        self._lines: list[str] = []
        self._installing: list[str] = []
        self._installing_since_s = 0.0

    @property
    def text(self) -> str:
        """Everything read."""
        return "\n".join(self._lines)

    @property
    def is_installing(self) -> bool:
        """Whether pip has begun to change the environment; before, it only looks and downloads."""
        return bool(self._installing)

    @property
    def detail(self) -> str:
        """While packages are unpacked, about which pip says nothing: how many are complete, and which one is next."""
        if not self._installing:
            return ""
        done = self._complete_packages()
        current = next((name for name in self._installing if normalized(name) not in done), self._installing[-1])
        return f"{min(len(done) + 1, len(self._installing))} of {len(self._installing)}, {current}"

    def read(self, line: str) -> None:
        """Take one line."""
        self._lines.append(line)
        if found := FILE.fullmatch(line):
            verb = "Downloading" if found[1] == "Downloading" else "Reading"
            self.phrase = f"{verb} {found[2]} {unquote(found[3])}{found[4] or ''}"
        elif found := COLLECTING.match(line):
            self.phrase = f"Looking for {found[1]}"
        elif found := BUILDING.match(line):
            self.phrase = f"Building {found[1]}"
        elif "WARNING: Retrying" in line:
            self.phrase = "No answer from the package index, trying again"
        elif found := INSTALLING.match(line):
            self._installing = found[1].split(", ")
            self._installing_since_s = time.time()
            self.phrase = "Installing packages"

    def _complete_packages(self) -> set[str]:
        """Names of packages whose RECORD, the last file pip writes of one, is newer than the start of this step."""
        records = [record for folder in self._site_packages for record in folder.glob("*.dist-info/RECORD")]
        fresh = [record.parent.name for record in records if record.stat().st_mtime >= self._installing_since_s - 1]
        return {installed_package(name)[0] for name in fresh} & {normalized(name) for name in self._installing}


def explain(output: str, code: int, log_file: Path) -> str:
    """Why a set-up command ended with `code`, and what to do: one sentence for the user."""
    if FULL.search(output):
        return no_space(log_file.parent)
    if UNTRUSTED.search(output):
        return (
            "The certificate of the package index could not be verified. Check the clock and the proxy of this computer "
            f"(PIP_CERT names a certificate file) and start again. Details: {log_file}"
        )
    if UNREACHABLE.search(output):
        return (
            "The package index could not be reached, and the first start downloads about 0.4 GB from it. "
            f"Connect to the internet (PIP_INDEX_URL names another index) and start again. Details: {log_file}"
        )
    if absent := ABSENT.search(output):
        return (
            f"The package index has no {absent[1]} for Python {sys.version_info.major}.{sys.version_info.minor} on this system. "
            f"Start Glassbox with another Python, 64-bit, 3.11 to 3.13. Details: {log_file}"
        )
    reasons = ERROR.findall(output)
    reason = reasons[-1].rstrip(".") if reasons else f"a program it uses ended with code {code}"
    return f"Set-up failed: {reason}. Start again to retry; details are in {log_file}"

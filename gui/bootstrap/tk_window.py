"""The small window of a first start by double-click; a program of its own, so that set-up never waits for it.

`tk_window.py progress` shows each line of its input that starts with "# " and ends with it;
`tk_window.py error TEXT` shows a sentence until it is closed.
"""

import queue
import sys
import threading
import tkinter
from pathlib import Path
from tkinter import ttk

ICON = Path(__file__).resolve().parents[2] / "resources" / "icons" / "64.png"
POLL_MS = 100


def main(arguments: list[str]) -> int:
    """The exit code: 0, or 1 when the user closed a progress that was not over."""
    root = tkinter.Tk(className="Glassbox")
    root.title("Glassbox")
    if ICON.exists():
        root.iconphoto(True, tkinter.PhotoImage(file=str(ICON)))
    root.resizable(False, False)
    if root.tk.call("tk", "windowingsystem") == "x11":
        ttk.Style(root).theme_use("clam")
    if arguments[0] == "error":
        return ErrorWindow(root, arguments[1]).run()
    return ProgressWindow(root).run()


class ProgressWindow:
    """A heading, a moving bar and the phrase that was read last."""

    def __init__(self, root: tkinter.Tk):
        self._root = root
        self._code = 0
        self._phrase = tkinter.StringVar(root, "Preparing")
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        frame = ttk.Frame(root, padding=24)
        frame.grid()
        ttk.Label(frame, text="Glassbox is being set up", font=("TkDefaultFont", 13, "bold")).grid(sticky="w")
        ttk.Label(frame, text="This happens once and takes a few minutes.").grid(sticky="w", pady=(4, 16))
        bar = ttk.Progressbar(frame, mode="indeterminate", length=440)
        bar.grid(sticky="ew")
        bar.start(20)
        ttk.Label(frame, textvariable=self._phrase, width=60).grid(sticky="w", pady=(8, 16))
        ttk.Button(frame, text="Cancel", command=self._on_cancel).grid(sticky="e")
        root.protocol("WM_DELETE_WINDOW", self._on_cancel)

    def run(self) -> int:
        """Show the window until the input ends."""
        threading.Thread(target=self._read, daemon=True).start()
        self._root.after(POLL_MS, self._on_poll)
        self._root.mainloop()
        return self._code

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line)
        self._lines.put(None)

    def _on_poll(self) -> None:
        while not self._lines.empty():
            line = self._lines.get()
            if line is None:
                self._root.destroy()
                return
            self._phrase.set(line.removeprefix("# ").strip())
        self._root.after(POLL_MS, self._on_poll)

    def _on_cancel(self) -> None:
        self._code = 1
        self._root.destroy()


class ErrorWindow:
    """A sentence that can be selected and copied, and a button."""

    def __init__(self, root: tkinter.Tk, text: str):
        self._root = root
        frame = ttk.Frame(root, padding=24)
        frame.grid()
        ttk.Label(frame, text="Glassbox cannot start", font=("TkDefaultFont", 13, "bold")).grid(sticky="w")
        height = sum(2 + len(line) // 60 for line in text.splitlines())
        message = tkinter.Text(frame, width=64, height=height, wrap="word", relief="flat", highlightthickness=0)
        message.configure(background=ttk.Style(root).lookup("TFrame", "background"), font="TkDefaultFont")
        message.insert("1.0", text)
        message.configure(state="disabled")
        message.grid(sticky="w", pady=(8, 16))
        close = ttk.Button(frame, text="Close", command=root.destroy)
        close.grid(sticky="e")
        close.focus_set()
        root.bind("<Return>", self._on_close)
        root.bind("<Escape>", self._on_close)

    def run(self) -> int:
        """Show the window until it is closed."""
        self._root.mainloop()
        return 0

    def _on_close(self, _event: tkinter.Event) -> None:
        self._root.destroy()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

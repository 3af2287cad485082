"""The file that keeps conversations: one SQLite database, safe against the death of the program at any moment."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gui.models.chat_summary import ChatSummary

HEADER = b"SQLite format 3\0"
APPLICATION_ID = 0x476C6273  # "Glbs": tells our files from other programs' databases
BUSY_S = 0.1  # how long a start waits for a program that is just ending; there is nobody else to wait for
SIDECARS = ("-wal", "-shm", "-journal", "")  # the database itself last: alone it would be taken for complete

# MIGRATIONS[n] brings a file of version n (PRAGMA user_version) to n + 1, in one transaction.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """CREATE TABLE conversation (
            id INTEGER PRIMARY KEY, created REAL NOT NULL, model TEXT NOT NULL, is_open INTEGER NOT NULL)""",
        """CREATE TABLE message (
            id TEXT PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversation (id), position INTEGER NOT NULL,
            role TEXT NOT NULL, created REAL NOT NULL, status TEXT NOT NULL, note TEXT NOT NULL, text TEXT NOT NULL,
            data BLOB NOT NULL)""",
        "CREATE INDEX message_order ON message (conversation_id, position)",
    ),
    (  # messages become a tree: those that are there follow one another
        "ALTER TABLE conversation ADD COLUMN shown TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE message ADD COLUMN parent TEXT NOT NULL DEFAULT ''",
        """UPDATE message SET parent = coalesce((
            SELECT id FROM message AS earlier
            WHERE earlier.conversation_id = message.conversation_id
                AND (earlier.position, earlier.created, earlier.rowid) < (message.position, message.created, message.rowid)
            ORDER BY earlier.position DESC, earlier.created DESC, earlier.rowid DESC LIMIT 1), '')""",
    ),
)
VERSION = len(MIGRATIONS)

INSERT_CONVERSATION = "INSERT INTO conversation (created, model, is_open) VALUES (?, '', 1)"
LIST_CONVERSATIONS = """
    SELECT conversation.id, coalesce((
            SELECT substr(text, 1, 200) FROM message AS first
            WHERE first.conversation_id = conversation.id AND text != '' ORDER BY position, created, rowid LIMIT 1), ''),
        model, count(*), max(message.created)
    FROM conversation JOIN message ON message.conversation_id = conversation.id
    WHERE {condition}
    GROUP BY conversation.id ORDER BY max(message.created) DESC, conversation.id DESC"""
CLOSE_ALL = "UPDATE conversation SET is_open = 0 WHERE is_open"
SAVE_MESSAGE = """
    INSERT INTO message (id, conversation_id, position, parent, role, created, status, note, text, data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, note = excluded.note, text = excluded.text, data = excluded.data"""
READ_MESSAGES = """
    SELECT id, position, role, status, note, text, data, parent FROM message
    WHERE conversation_id = ? ORDER BY position, created, rowid"""


HOLDS = """EXISTS (
        SELECT 1 FROM message AS any_one WHERE any_one.conversation_id = conversation.id AND holds(CAST(text AS BLOB), ?))"""


class StoreError(Exception):
    """Nothing can be read or saved; the text is the end of a sentence: "... is not being saved: {error}"."""


class DamagedError(Exception):
    """The file is not a sound database of ours; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One message as a row; `data` is opaque here. `parent_id` names the message it follows, "" at the beginning.

    Of a row that is there `position`, `role` and `parent_id` never change.
    """

    message_id: str
    position: int
    role: str
    status: str
    note: str
    text: str
    data: bytes = b""
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class SavedConversation:
    """A conversation in the file: its messages in the order of their positions, and the last one of those on screen."""

    number: int
    records: list[Record]
    shown_id: str


class Store:
    """Conversations in the file `path`, which this process alone may use until `close`.

    What `save` returned from survives the death of the process. It does not wait for the disk (WAL, synchronous=NORMAL):
    a power cut can cost what came after the last `tidy`, but never the file. A damaged file, or one of another program, is moved
    aside and `notes` says so; nothing is deleted but what the user deletes. Every method raises StoreError.
    """

    def __init__(self, path: Path):
        self.notes: list[str] = []
        self._path = path
        with self._errors():
            self._connection = self._open()

    def save(self, conversation: int | None, records: Sequence[Record], model: str = "", shown_id: str = "") -> int:
        """Add the messages or bring them up to date, all or none; returns the conversation, a new one for None.

        `model` and `shown_id` stay what they were where they are "".
        """
        with self._errors(), _transaction(self._connection):
            now = time.time()
            if conversation is None:
                self._connection.execute(CLOSE_ALL)  # those whose closing could not be saved
                conversation = self._connection.execute(INSERT_CONVERSATION, (now,)).lastrowid
            if model:
                self._connection.execute("UPDATE conversation SET model = ? WHERE id = ?", (model, conversation))
            if shown_id:
                self._connection.execute("UPDATE conversation SET shown = ? WHERE id = ?", (shown_id, conversation))
            self._connection.executemany(SAVE_MESSAGE, [_row(record, conversation, now) for record in records])
        return conversation

    def close_conversation(self, conversation: int) -> None:
        """Remember that the user left it: it stays in the file, and the next start does not open it."""
        with self._errors():
            self._connection.execute("UPDATE conversation SET is_open = 0 WHERE id = ?", (conversation,))

    def open_conversation(self) -> SavedConversation | None:
        """The conversation that was open when the program ended; None when the user had left it, or there is none."""
        with self._errors():
            found = self._connection.execute("SELECT id FROM conversation WHERE is_open ORDER BY id DESC LIMIT 1").fetchone()
            return None if found is None else self._read(found[0])

    def reopen(self, conversation: int) -> SavedConversation:
        """Read a conversation, and remember that this is the open one; raises StoreError where it is not there any more."""
        with self._errors(), _transaction(self._connection):
            saved = self._read(conversation)
            self._connection.execute(CLOSE_ALL)
            self._connection.execute("UPDATE conversation SET is_open = 1 WHERE id = ?", (conversation,))
        return saved

    def conversations(self, words: str = "") -> list[ChatSummary]:
        """All conversations, or those in whose messages all the `words` stand, whatever the casing; the last used first."""
        needles = words.casefold().split()
        query = LIST_CONVERSATIONS.format(condition=" AND ".join([HOLDS] * len(needles)) or "TRUE")
        with self._errors():
            return [ChatSummary(*row) for row in self._connection.execute(query, needles)]

    def delete(self, conversation: int) -> None:
        """Delete a conversation; `wipe` then takes what is left of its bytes out of the file."""
        with self._errors(), _transaction(self._connection):
            self._connection.execute("DELETE FROM message WHERE conversation_id = ?", (conversation,))
            self._connection.execute("DELETE FROM conversation WHERE id = ?", (conversation,))

    def wipe(self) -> None:
        """Write the file anew without anything that was deleted or replaced, and empty the log; waits for the disk."""
        with self._errors():
            self._connection.execute("VACUUM")
        self.tidy()

    def _read(self, conversation: int) -> SavedConversation:
        found = self._connection.execute("SELECT shown FROM conversation WHERE id = ?", (conversation,)).fetchone()
        if found is None:
            raise StoreError("this chat is not in the file any more.")
        records = [Record(*row) for row in self._connection.execute(READ_MESSAGES, (conversation,))]
        return SavedConversation(conversation, records, found[0])

    def tidy(self) -> None:
        """Bring the log into the file and wait for the disk: what was saved until now survives a power cut, too."""
        with self._errors():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let another process use the file."""
        with self._errors():
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            _check_header(self._path)
            return _connect(self._path)
        except DamagedError as damage:
            aside = self._move_aside()
            self.notes.append(f"The file of your conversations {damage}. It was kept as {aside}, and a new one was begun.")
            return _connect(self._path)

    def _move_aside(self) -> Path:
        """Rename the database and what belongs to it to the first free name."""
        number = 1
        while any(_beside(self._broken(number), end).exists() for end in SIDECARS):
            number += 1
        for end in SIDECARS:
            if _beside(self._path, end).exists():
                _beside(self._path, end).rename(_beside(self._broken(number), end))
        return self._broken(number)

    def _broken(self, number: int) -> Path:
        return _beside(self._path, ".broken" if number == 1 else f".broken{number}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(self._reason(error)) from error
        except OSError as error:
            raise StoreError(f"{self._path} cannot be used ({error.strerror}).") from error
        except DamagedError as error:
            raise StoreError(f"{self._path} {error}.") from error

    def _reason(self, error: sqlite3.Error) -> str:
        match _primary_code(error):
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return "another Glassbox window has this profile's conversations open."
            case sqlite3.SQLITE_FULL:
                return "the disk is full."
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return f"{self._path} cannot be written."
        return f"{self._path}: {error}."


def _check_header(path: Path) -> None:
    """Raise DamagedError for a file that SQLite must not even open: beside it, it would throw the log (-wal) away."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        header = file.read(len(HEADER))
    if header != HEADER and (header or _beside(path, "-wal").exists()):
        raise DamagedError("is damaged")


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that nobody else can have, to a checked database of the present version.

    Raises DamagedError, StoreError for a newer version, and sqlite3.Error. Writes nothing before the checks.
    """
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        connection.text_factory = _decode
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        version = _checked_version(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # it waits for the disk: `tidy` does that at a quiet moment
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.create_function("holds", 2, _holds, deterministic=True)
        _migrate(connection, version)
    except sqlite3.DatabaseError as error:
        connection.close()
        if _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise DamagedError("is damaged") from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _checked_version(connection: sqlite3.Connection) -> int:
    """Take the lock (in this locking mode the commit keeps it), look the file over, and tell its version."""
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise DamagedError("is damaged")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    is_empty = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    if application != APPLICATION_ID and not (is_empty and version == application == 0):
        raise DamagedError("was not written by Glassbox")
    if version > VERSION:
        raise StoreError(
            f"a newer Glassbox wrote the file of your conversations (format {version}; this one knows {VERSION}). "
            "Start the newer one to go on with them."
        )
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    for number in range(version, VERSION):
        with _transaction(connection):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has already ended it
            connection.execute("ROLLBACK")
        raise


def _row(record: Record, conversation: int, now: float) -> tuple[object, ...]:
    return (
        record.message_id,
        conversation,
        record.position,
        record.parent_id,
        record.role,
        now,
        record.status,
        _encodable(record.note),
        _encodable(record.text),
        record.data,
    )


def _holds(text: bytes, needle: str) -> bool:
    """Whether a casefolded word stands in a text; a damaged text is searched as far as it can be read."""
    return needle in _decode(text).casefold()


def _encodable(text: str) -> str:
    """Half a surrogate pair, which no file can hold, becomes "?": one UTF-16 unit as before."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

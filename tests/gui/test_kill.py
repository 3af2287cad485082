"""`kill -9` at any moment: every message that was acknowledged is in the file, and the file is sound."""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gui.saved_message import from_records
from gui.store import Store
from tests.gui.talker import message_text

ROOT = Path(__file__).resolve().parents[2]

# Conversations whose newest message is not the end of what is on screen, as it always is with the talker.
LEAVES = """
    SELECT id, shown FROM conversation
    WHERE shown != (SELECT id FROM message WHERE conversation_id = conversation.id ORDER BY position DESC LIMIT 1)"""
ORPHANS = "SELECT id FROM message WHERE parent != '' AND parent NOT IN (SELECT id FROM message)"


def acknowledged_until_killed(profile: Path, messages: int, seconds: float) -> list[int]:
    """Let the talker talk until so many messages are acknowledged, and that long; kill it; tell what it acknowledged."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "tests.gui.talker", str(profile)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as talker:
        lines = [talker.stdout.readline() for _ in range(messages)]
        time.sleep(seconds)
        talker.kill()
        lines += talker.stdout.readlines()
    return [int(line) for line in lines if line.endswith("\n")]  # the last may be cut off


def check_answers(store: Store) -> None:
    """Every answer that was being made, stepped through or paused is a beginning, and its tokens are those of its text."""
    found = store.open_conversation()
    for message in from_records(found.records).messages if found else ():
        if message.role == "assistant":
            assert b"".join(token.token_bytes for token in message.tokens).decode() == message.text
            assert [token.token_bytes for token in message.tokens if token.is_given] in ([], [b"!"])
            assert message.status in ("queued", "reading", "streaming", "paused", "done")


def check_kills(profile: Path, seed: int, kills: int) -> None:
    """Kill again and again with one profile: nothing of any round may be missing at the end of it."""
    moments = random.Random(seed)
    expected: list[str] = []
    file = profile / "data" / "conversations.db"
    for number in range(kills):
        seconds = moments.uniform(0.0, 0.05) if number % 2 else 0.0  # at any moment, and at once after "it is saved"
        numbers = acknowledged_until_killed(profile, moments.randint(1, 25), seconds)
        assert numbers
        expected += [message_text(number) for number in numbers]
        with closing(Store(file)) as store:
            assert store.notes == []
            check_answers(store)
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute(LEAVES).fetchall() == []
            assert connection.execute(ORPHANS).fetchall() == []
            rows = connection.execute("SELECT text FROM message WHERE role = 'user' ORDER BY rowid").fetchall()
        found = [text for (text,) in rows]
        assert len(found) - len(expected) in (0, 1)  # one more may be saved and not yet acknowledged
        assert found[: len(expected)] == expected
        expected = found


def test_acknowledged_messages_survive_kill(tmp_path: Path):
    check_kills(tmp_path, seed=1, kills=2)


@pytest.mark.slow
def test_acknowledged_messages_survive_many_kills(tmp_path: Path):
    check_kills(tmp_path, seed=2, kills=10)

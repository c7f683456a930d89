# SPDX-License-Identifier: Apache-2.0
"""Backups of the dashboard's store, taken while alerts come in, and stores restored from them."""
import http.client
import io
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tarfile
import tempfile
import threading

import tap
from test_dashboard import PROGRAM, Dashboard, event
from test_dashboard_access import People


class Senders:
    """Threads that post alerts and know which of them were acknowledged."""

    def __init__(self, board, count=3):
        self.board, self.acknowledged, self.is_ending = board, [], False
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]

    def run(self):
        number = 0
        while not self.is_ending:
            made = [event(number + i, output_fields={"container.id": f"c{i}", "evt.num": i}) for i in range(20)]
            if self.board.post(made)[0] == 200:
                self.acknowledged += [one["event"]["uuid"] for one in made]
            number += 20

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_ending = True
        for thread in self.threads:
            thread.join()

    def wait(self, more):
        wanted = len(self.acknowledged) + more
        tap.wait_for(f"{more} more alerts", lambda: len(self.acknowledged) >= wanted)


def kept(state):
    """The uuids that a dashboard shows that is started on this folder."""
    with Dashboard(state=state) as board:
        assert not [line for line in board.lines if "damaged" in line], board.lines
        lines = board.ask("GET", "/api/v2/export?from=now-1d")[2].decode().splitlines()
        found = [json.loads(line)["uuid"] for line in lines]
        tap.equal(board.count(), len(found))
        tap.equal(board.post(event())[0], 200, "it goes on")
    tap.equal(len(set(found)), len(found), "each once")
    return set(found)


def check_whole(folder):
    """The list is there, and what it names is sound."""
    listed = json.loads(pathlib.Path(folder, "backup.json").read_text(encoding="utf-8"))
    names = {one["name"]: one["bytes"] for one in listed["files"]}
    there = {path.name: path.stat().st_size for path in pathlib.Path(folder).iterdir() if path.name != "backup.json"}
    tap.equal(names, there)
    for name in names:
        with sqlite3.connect(f"file:{folder}/{name}?immutable=1", uri=True) as database:
            tap.equal(database.execute("PRAGMA integrity_check").fetchone()[0], "ok", name)
    return listed


def test_a_download_taken_while_alerts_come_in_has_all_that_was_acknowledged_before():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    try:
        with Dashboard() as board, Senders(board) as senders:
            senders.wait(500)
            before = set(senders.acknowledged)
            status, headers, content = board.ask("GET", "/api/v2/backup")
            tap.equal((status, headers["Content-Type"]), (200, "application/x-tar"))
            assert headers["Content-Disposition"].startswith('attachment; filename="tercel-20'), headers
            senders.wait(500)
            tap.wait_for("the copies to go", lambda: not os.path.exists(os.path.join(board.state, "backup")))
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            tap.equal([name for name in tar.getnames() if name.startswith("/") or ".." in name], [])
            tap.equal(tar.getnames()[-1], "backup.json")
            tar.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(folder)
        check_whole(folder)
        os.unlink(os.path.join(folder, "backup.json"))
        missing = before - kept(folder)
        tap.equal(missing, set(), f"of {len(before)}")
    finally:
        shutil.rmtree(folder)


def test_the_command_copies_beside_a_running_dashboard():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    target = os.path.join(folder, "copy")

    def backup(state, *more):
        result = subprocess.run([PROGRAM, "--state", state, "--backup", target, *more], capture_output=True, text=True,
                                timeout=120, check=False)
        return result.returncode, result.stderr

    try:
        with Dashboard() as board, Senders(board) as senders:
            senders.wait(500)
            before = set(senders.acknowledged)
            tap.equal(backup(board.state)[0], 0)
            senders.wait(200)
            status, words = backup(board.state)
            tap.equal(status, 1)
            assert "is there already; name a new folder" in words, words
            tap.equal(board.ask("GET", "/api/v1/healthz")[0], 200)
        check_whole(target)
        tap.equal([path.name for path in pathlib.Path(target).iterdir() if "users" in path.name], [], "no logins in it")
        assert before <= kept(target), len(before)
        shutil.rmtree(target)
        status, words = backup("/nothing/here")
        tap.equal(status, 1)
        assert "/nothing/here" in words, words
    finally:
        shutil.rmtree(folder)


def test_several_days_and_a_dashboard_that_is_down_are_copied_too():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    target = os.path.join(folder, "copy")
    try:
        with Dashboard() as board:
            made = [event(number) for number in range(50)]
            tap.equal(board.post(made)[0], 200)
            board.stop(signal.SIGKILL)
            day = next(pathlib.Path(board.state).glob("events-*.db"))
            for ending in ("", "-wal"):  # as if it was yesterday's
                older = day.with_name("events-2020-01-01.db" + ending)
                source = day.with_name(day.name + ending)
                if source.exists():
                    shutil.copy(source, older)
            tap.equal(subprocess.run([PROGRAM, "--state", board.state, "--backup", target], check=False).returncode, 0)
            tap.equal(sorted(path.name for path in pathlib.Path(target).iterdir()),
                      ["backup.json", "events-2020-01-01.db", day.name])
        check_whole(target)
    finally:
        shutil.rmtree(folder)


def test_a_backup_that_is_not_whole_is_broken_off():
    with Dashboard() as board:
        board.post([event(number) for number in range(300)])
        board.stop()
        day = next(pathlib.Path(board.state).glob("events-*.db"))
        oldest = day.with_name("events-2019-01-01.db")
        for older in (oldest, day.with_name("events-2020-01-01.db")):
            shutil.copy(day, older)
        board.start()
        # Once it is indexed nobody has it open, and all of it is in the file itself.
        tap.wait_for("the oldest to be left alone", lambda: not oldest.with_name(oldest.name + "-wal").exists(), seconds=60)
        oldest.write_bytes(os.urandom(oldest.stat().st_size))
        try:
            content = board.ask("GET", "/api/v2/backup")[2]
        except (OSError, http.client.IncompleteRead) as error:
            content = getattr(error, "partial", b"")
        assert b"backup.json" not in content, len(content)
        tap.wait_for("the reason", lambda: any("a backup ends early" in line for line in board.lines))
        tap.wait_for("the copies to go", lambda: not os.path.exists(os.path.join(board.state, "backup")))


def test_only_an_operator_gets_a_backup():
    with People() as board:
        tap.equal(board.ask("GET", "/api/v2/backup", headers=board.sign_in("eve"), login=False)[0], 403)
        tap.equal(board.ask("GET", "/api/v2/backup", login=False)[0], 401)
        tap.equal(board.ask("GET", "/api/v2/backup", headers=board.sign_in("bob"), login=False)[0], 200)


if __name__ == "__main__":
    tap.main(globals())

# SPDX-License-Identifier: Apache-2.0
"""The dashboard alone: its API by cases, login, live stream, hostile text, restarts, bad set-ups."""
import base64
import concurrent.futures
import csv
import datetime
import gzip
import http.client
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid

import tap
from stack import BUILD, SOURCE, free_port

PROGRAM = str(BUILD / "dashboard/tercel-dashboard")
CASES = SOURCE / "dashboard/tests/api"


class Dashboard:
    """with Dashboard() as board: board.get("/api/v1/events/count")"""

    def __init__(self, *arguments, login="admin:pass:word", state=None, environment=None):
        self.folder = tempfile.mkdtemp(prefix="tercel-test-")
        self.state = state or os.path.join(self.folder, "state")
        self.port = free_port()
        self.login = login
        self.arguments = arguments
        self.environment = environment or {}
        self.lines = []

    def start(self):
        command = [PROGRAM, "--listen", f"127.0.0.1:{self.port}", "--state", self.state, *self.arguments]
        if self.login:
            command += ["-u", self.login]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **self.environment})
        self.reader = threading.Thread(target=self.lines.extend, args=(self.process.stderr,))
        self.reader.start()
        tap.wait_for("the dashboard", lambda: self.is_up() or self.process.poll() is not None)
        return self

    def is_up(self):
        try:
            return self.get("/api/v1/healthz")[0] == 200
        except OSError:
            return False

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.reader.join()
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        # What a sanitizer says, when the program was built with one.
        said = [line for line in self.lines if "Sanitizer" in line or "runtime error" in line]
        assert not said, "".join(self.lines)

    def ask(self, method, path, body=None, headers=None, login=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = dict(headers or {})
        if login is True and self.login:
            headers["Authorization"] = basic(self.login)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), content

    def get(self, path, **more):
        status, _, content = self.ask("GET", path, **more)
        return status, json.loads(content)

    def post(self, body, path="/", **more):
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.ask("POST", path, body, login=False, **more)

    def log_in(self, password="pass:word", **more):
        body = json.dumps({"user": "admin", "password": password})
        return self.ask("POST", "/api/v2/login", body, login=False, **more)

    def count(self, **more):
        return self.get("/api/v1/events/count", **more)[1]["statistics"]["all"]


def basic(login):
    return "Basic " + base64.b64encode(login.encode()).decode()


def event(number=0, **more):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    made = {"uuid": str(uuid.uuid4()), "output": f"10:00:00.000000000: Notice number {number}",
            "priority": "Notice", "rule": "A rule", "time": f"{now}.{number:09d}Z",
            "output_fields": {"evt.num": number}, "source": "syscall", "hostname": "node"}
    made.update(more)
    return {"event": made, "outputs": ["WebUI"]}


def matches(got, want):
    """Whether the answer is what the case wants; "*" fits anything, a key "*" any further keys."""
    if want == "*":
        return True
    if isinstance(want, dict) and isinstance(got, dict):
        if "*" not in want and got.keys() != want.keys():
            return False
        return all(key in got and matches(got[key], value) for key, value in want.items() if key != "*")
    if isinstance(want, list) and isinstance(got, list):
        return len(got) == len(want) and all(map(matches, got, want))
    return type(got) is type(want) and got == want


def cases_of(name):
    for block in re.split(r"\n\s*\n", (CASES / name).read_text(encoding="utf-8")):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if lines:
            method, path = lines[0].split(" ", 1)
            status, answer = lines[1].split(" ", 1)
            yield method, path, int(status), json.loads(answer)


def run_cases(name):
    with Dashboard() as board:
        for line in (CASES / "events.jsonl").read_text(encoding="utf-8").splitlines():
            tap.equal(board.post(line.encode())[0], 200, line)
        wrong = 0
        for method, path, status, want in cases_of(name):
            got_status, _, content = board.ask(method, path)
            got = json.loads(content)
            if got_status != status or not matches(got, want):
                wrong += 1
                print(f"# {method} {path}\n#   is  {got_status} {json.dumps(got, ensure_ascii=False)}"
                      f"\n#   not {status} {json.dumps(want, ensure_ascii=False)}")
        tap.equal(wrong, 0, "cases that are wrong")


def test_the_old_api_answers_as_its_cases_say():
    run_cases("v1.cases")


def test_the_api_answers_as_its_cases_say():
    run_cases("v2.cases")


def test_what_a_stock_falcosidekick_posts_is_found_within_a_second():
    with Dashboard() as board:
        for path in ("/", "/api/v1/", "/api/v1/events/add"):
            status, headers, content = board.post(event(), path, headers={
                "Content-Type": "application/json; charset=utf-8", "User-Agent": "Falcosidekick"})
            tap.equal((status, content.strip(), headers["Content-Type"]), (200, b'"{}"', "application/json"))
        tap.wait_for("three alerts", lambda: board.count() == 3, seconds=1)


def test_an_array_keeps_what_is_good_and_names_the_rest():
    with Dashboard() as board:
        body = [event(1), {"event": {"rule": "x"}, "outputs": []}, event(2), 17]
        status, _, content = board.post(body)
        answer = json.loads(content)
        tap.equal((status, answer["stored"]), (200, 2))
        tap.equal([item["item"] for item in answer["refused"]], [1, 3])
        tap.equal(board.post([17])[0], 400)
        tap.equal(json.loads(board.post([])[2]), {"stored": 0, "refused": []})
        tap.equal(board.count(), 2)


def test_what_is_wrong_is_refused_with_words():
    wrong = [
        ("{", "line 1"),
        ("[]x", "line 1"),
        ('"text"', '"event" is missing'),
        ({"event": {}}, '"outputs" is missing or no array'),
        (event(uuid="no"), '"uuid" is none'),
        (event(output=""), '"output" is missing'),
        (event(rule=""), '"rule" is missing'),
        (event(priority="urgent"), '"priority" is missing or unknown'),
        (event(time="yesterday"), '"time" must be RFC 3339'),
        (event(tags="a"), '"tags" must be an array of text'),
        (event(output_fields=[]), '"output_fields" must be an object'),
    ]
    with Dashboard() as board:
        for body, words in wrong:
            status, _, content = board.post(body)
            tap.equal(status, 400, repr(body))
            assert words in json.loads(content)["error"], (body, content)
        status, _, _ = board.post(b"x" * (9 << 20))
        tap.equal(status, 413)
        tap.equal(board.count(), 0)


def test_hostile_text_is_stored_and_found_as_it_is():
    texts = ["'; DROP TABLE events; --", '" OR 1=1', "<img src=x onerror=alert(1)>", "a\\b\"c", "%s%n%x",
             "日本語のファイル", "😀\u202e\u200b", "x" * 100000, "NEAR(a b)", "a AND b OR NOT c", "*", "\u00e9 vs e\u0301"]
    with Dashboard() as board:
        for text in texts:
            tap.equal(board.post(event(output=text, rule=text[:200], hostname=text[:50]))[0], 200)
        for text in texts:
            query = urllib.parse.quote(text[:200], safe="")
            found = board.get(f"/api/v1/events/search?filter={query}")[1]["results"]
            assert text in [e["output"] for e in found], text[:50]
            quoted = urllib.parse.quote(
                '"' + re.sub(r'(["\\*])', r"\\\1", text[:200]) + '"', safe="")
            found = board.get(f"/api/v2/events?q={quoted}&from=now-1h&to=2030-01-01T00:00:00Z")[1]
            assert text in [e["output"] for e in found["events"]], (text[:50], found)
        # Bytes that are no UTF-8 become U+FFFD; the alert stays.
        broken = json.dumps(event(output="broken PLACE here")).encode().replace(b"PLACE", b"\xff\xfe")
        tap.equal(board.post(broken)[0], 200)
        found = board.get("/api/v1/events/search?filter=broken")[1]["results"]
        tap.equal(found[0]["output"], "broken \ufffd\ufffd here")


def test_numbers_keep_all_their_digits():
    with Dashboard() as board:
        body = json.dumps(event()).replace('"evt.num": 0', '"evt.time": 1622308709082520347, "f": 1e400')
        tap.equal(board.post(body)[0], 200)
        _, _, content = board.ask("GET", "/api/v1/events/search")
        assert b'"evt.time":1622308709082520347' in content, content
        one = json.loads(content)["results"][0]["uuid"]
        _, _, content = board.ask("GET", f"/api/v2/events/{one}")
        assert b'{"number":"1622308709082520347"}' in content, content
        assert b'{"number":"1e400"}' in content, content


def test_login_gives_a_cookie_and_logout_ends_it():
    with Dashboard() as board:
        for path in ("/api/v2/overview", "/api/v2/events", "/api/v2/status", "/api/v2/stream",
                     "/api/v1/events/search", "/api/v1/config", "/api/v1/outputs"):
            status, headers, _ = board.ask("GET", path, login=False)
            tap.equal(status, 401, path)
            tap.equal("WWW-Authenticate" in headers, path.startswith("/api/v1"), path)
        status, headers, content = board.log_in()
        tap.equal((status, content), (204, b""))
        cookie = headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert part in cookie, cookie
        assert "Secure" not in cookie, cookie
        _, headers, _ = board.log_in(headers={"X-Forwarded-Proto": "https"})
        assert "Secure" in headers["Set-Cookie"], headers
        cookie = {"Cookie": cookie.split(";")[0]}
        tap.equal(board.get("/api/v2/session", headers=cookie, login=False)[1],
                  {"user": "admin", "role": "operator", "known_by": "login", "login": True})
        tap.equal(board.ask("POST", "/api/v2/logout", headers=cookie, login=False)[0], 204)
        tap.equal(board.ask("GET", "/api/v2/session", headers=cookie, login=False)[0], 401)
        forged = {"Cookie": "tercel_session=" + "A" * 43}
        tap.equal(board.ask("GET", "/api/v2/session", headers=forged, login=False)[0], 401)


def test_another_site_cannot_act_with_the_cookie():
    with Dashboard() as board:
        cookie = board.log_in()[1]["Set-Cookie"].split(";")[0]
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            status, answer, _ = board.ask("POST", "/api/v2/logout", headers={**headers, "Cookie": cookie}, login=False)
            tap.equal(status, 403, headers)
            assert "Access-Control-Allow-Origin" not in answer
        own = {"Origin": f"http://127.0.0.1:{board.port}", "Sec-Fetch-Site": "same-origin", "Cookie": cookie}
        tap.equal(board.ask("POST", "/api/v2/logout", headers=own, login=False)[0], 204)


def test_the_old_api_tells_whether_a_login_is_right():
    with Dashboard() as board:
        for path in ("/api/v1/auth", "/api/v1/authenticate"):
            for headers, want in ((None, (401, b'"unauthorized"')),
                                  ({"Authorization": basic("admin:no")}, (401, b'"unauthorized"')),
                                  ({"Authorization": "Basic !"}, (401, b'"unauthorized"')),
                                  ({"Authorization": basic("admin:pass:word")}, (200, b'"authorized"'))):
                status, _, content = board.ask("POST", path, headers=headers, login=False)
                tap.equal((status, content), want, headers)


def test_wrong_passwords_are_slowed_down():
    with Dashboard() as board:
        answers = [board.log_in("wrong") for _ in range(5)]
        tap.equal({(status, content) for status, _, content in answers},
                  {(401, b'{"error":"user or password is wrong"}')})
        status, headers, _ = board.log_in()  # right, but too late
        tap.equal(status, 429)
        wait = int(headers["Retry-After"])
        assert 1 <= wait <= 10, wait
        tap.equal(board.ask("GET", "/api/v1/events/count")[0], 429)
        # Alerts still come in, and after the time it is let in.
        tap.equal(board.post(event())[0], 200)
        tap.wait_for("the throttle to open", lambda: board.log_in()[0] == 204)


def test_a_first_login_is_made_once_and_kept_as_a_hash():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    state, told = os.path.join(folder, "state"), os.path.join(folder, "told")
    try:
        with Dashboard("--first-login-file", told, login=None, state=state) as board:
            tap.wait_for("the first login", lambda: os.path.exists(told) and os.path.getsize(told))
            text = pathlib.Path(told).read_text(encoding="ascii")
            user, password = text.split()
            tap.equal(oct(os.stat(told).st_mode & 0o777), "0o600")
            tap.equal(oct(os.stat(os.path.join(state, "users")).st_mode & 0o777), "0o600")
            assert len(password) > 15, password
            users = pathlib.Path(state, "users").read_text(encoding="ascii")
            assert users.startswith("admin:$y$") and password not in users, users
            board.login = f"{user}:{password}"
            tap.equal(board.count(), 0)
            board.stop()
            assert not [line for line in board.lines if password in line], board.lines
        os.unlink(told)
        with Dashboard("--first-login-file", told, login=None, state=state) as board:
            assert not os.path.exists(told)
            tap.equal(board.ask("GET", "/api/v1/events/count",
                                headers={"Authorization": basic(f"{user}:{password}")})[0], 200)
            tap.equal(board.ask("GET", "/api/v1/events/count",
                                headers={"Authorization": basic("admin:admin")})[0], 401)
    finally:
        shutil.rmtree(folder)
    with Dashboard(login=None) as board:
        board.stop()
        tap.equal(len([line for line in board.lines if line.startswith("first login: admin / ")]), 1)


def test_without_login_all_may_read_and_no_other_site_is_let_in():
    with Dashboard("--no-login", login=None) as board:
        tap.equal(board.get("/api/v2/session")[1],
                  {"user": "anonymous", "role": "viewer", "known_by": "nothing", "login": False})
        status, headers, _ = board.ask("GET", "/api/v1/events/search", headers={"Origin": "http://evil.example"})
        tap.equal(status, 200)
        assert "Access-Control-Allow-Origin" not in headers
        tap.equal(board.ask("POST", "/api/v1/auth")[2], b'"authorized"')
    with Dashboard(login=None, environment={"FALCOSIDEKICK_UI_DISABLEAUTH": "true"}) as board:
        tap.equal(board.count(), 0)
    with Dashboard(login=None, environment={"FALCOSIDEKICK_UI_USER": "eve:s:e"}) as board:
        board.login = "eve:s:e"
        tap.equal(board.count(), 0)


def test_alerts_need_a_token_where_one_is_set():
    with Dashboard(environment={"TERCEL_DASHBOARD_TOKEN": "secret"}) as board:
        tap.equal(board.post(event())[0], 401)
        tap.equal(board.post(event(), headers={"Authorization": "Bearer secres"})[0], 401)
        tap.equal(board.post(event(), headers={"Authorization": "Bearer secret"})[0], 200)
        tap.equal(board.count(), 1)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def post_over(path, body):
    connection = UnixConnection(path)
    connection.request("POST", "/", json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_the_unix_socket_knows_its_senders():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "socket")
    try:
        with Dashboard("--socket", path) as board:
            tap.equal(post_over(path, event(verified="mtls")), 200)
            tap.equal(board.post(event())[0], 401, "over TCP")
            tap.equal(board.get("/api/v1/events/search?limit=1")[1]["statistics"]["all"], 1)
            one = board.get("/api/v2/events?from=now-1h&to=2030-01-01T00:00:00Z")[1]["events"][0]["uuid"]
            tap.equal(board.get(f"/api/v2/events/{one}/json")[1]["verified"], "mtls")
            if os.geteuid() == 0:
                child = os.fork()
                if child == 0:
                    os.setuid(65534)
                    os._exit(0 if post_over(path, event()) == 401 else 1)
                tap.equal(os.waitpid(child, 0)[1], 0, "another user")
    finally:
        shutil.rmtree(folder)
    with Dashboard() as board:  # nobody may say of himself that he is verified
        tap.equal(board.post(event(verified="mtls"))[0], 200)
        one = board.get("/api/v2/events?from=now-1h&to=2030-01-01T00:00:00Z")[1]["events"][0]["uuid"]
        assert "verified" not in board.get(f"/api/v2/events/{one}/json")[1]


class Stream:
    """The lines of a server-sent stream, as they come."""

    def __init__(self, board, path, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", board.port, timeout=20)
        self.connection.request("GET", path, headers={"Authorization": basic(board.login), **headers})
        self.answer = self.connection.getresponse()

    def next(self):
        """The next event as a dict; comments are passed over."""
        got = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith(":") or line.startswith("retry:"):
                continue
            if not line:
                if got:
                    return got
                continue
            name, _, value = line.partition(": ")
            got[name] = value

    def close(self):
        self.connection.close()


def test_the_stream_shows_alerts_as_they_are_stored():
    with Dashboard() as board:
        stream = Stream(board, "/api/v2/stream?q=number%202")
        tap.equal(stream.answer.getheader("Content-Type"), "text/event-stream")
        for number in (1, 2, 3, 20):
            tap.equal(board.post(event(number))[0], 200)
        first, second = stream.next(), stream.next()
        tap.equal([first["event"], first["id"], second["id"]], ["alert", "2", "4"])
        tap.equal(json.loads(first["data"])["output"], "number 2")
        tap.equal(json.loads(second["data"])["output"], "number 20")
        stream.close()
        again = Stream(board, "/api/v2/stream", **{"Last-Event-ID": "2"})
        tap.equal([again.next()["id"], again.next()["id"]], ["3", "4"])
        again.close()
        # Also after a restart.
        board.stop()
        board.start()
        again = Stream(board, "/api/v2/stream", **{"Last-Event-ID": "3"})
        tap.equal(again.next()["id"], "4")
        again.close()
        ahead = Stream(board, "/api/v2/stream", **{"Last-Event-ID": "99"})
        tap.equal(ahead.next()["event"], "gap")
        tap.equal(board.post(event(5))[0], 200)
        tap.equal(ahead.next()["id"], "5")
        ahead.close()
        tap.equal(board.stop(), 0)


def test_a_stream_that_fell_behind_is_told_of_the_gap():
    with Dashboard() as board:
        for part in range(6):
            tap.equal(board.post([event(part * 500 + i) for i in range(500)])[0], 200)
        stream = Stream(board, "/api/v2/stream", **{"Last-Event-ID": "5"})
        tap.equal(stream.next()["event"], "gap")
        tap.equal(stream.next()["id"], str(3000 - 2048 + 1))
        stream.close()


def test_a_stream_passes_large_alerts_and_says_what_it_cannot():
    with Dashboard() as board:
        stream = Stream(board, "/api/v2/stream")
        large = [event(i, output="x" * 100_000) for i in range(30)]
        tap.equal(board.post(large)[0], 200)
        tap.equal([stream.next()["id"] for _ in large], [str(i + 1) for i in range(30)])
        huge = event(output='"' * 600_000)  # twice as long as JSON
        tap.equal(board.post(huge)[0], 200)
        tap.equal(board.post(event(7))[0], 200)
        tap.equal([stream.next()["event"], stream.next()["id"]], ["gap", "32"])
        stream.close()


def test_kill_9_loses_nothing_that_was_acknowledged():
    with Dashboard() as board:
        acknowledged = []

        def send(worker):
            for number in range(1000):
                try:
                    if board.post(event(worker * 1000 + number))[0] == 200:
                        acknowledged.append(number)
                except OSError:
                    return

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(send, worker) for worker in range(4)]
            tap.wait_for("some alerts", lambda: len(acknowledged) > 200)
            board.stop(signal.SIGKILL)
            for job in jobs:
                job.result()
        kept = len(acknowledged)
        board.start()
        assert kept <= board.count() <= kept + 4, (kept, board.count())


def test_a_full_disk_refuses_alerts_and_recovers():
    if os.geteuid() != 0:
        tap.skip("root is needed to mount a small file system")
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=False).returncode:
        os.rmdir(folder)
        tap.skip("no file system can be mounted here")
    try:
        with Dashboard(state=folder + "/state") as board:
            filler = pathlib.Path(folder, "filler")
            filler.write_bytes(b"x" * 1_500_000)
            stored, refused = 0, None
            for part in range(100):
                status, headers, content = board.post([event(part * 50 + i) for i in range(50)])
                if status != 200:
                    refused = (status, "Retry-After" in headers, json.loads(content)["error"])
                    break
                stored += 50
            tap.equal(refused, (503, True, "the disk is full; nothing was kept, send it again"))
            tap.equal(board.get("/api/v1/healthz")[0], 503)
            tap.equal(board.count(), stored)
            filler.unlink()
            tap.equal(board.post(event())[0], 200)
            tap.equal(board.get("/api/v1/healthz")[0], 200)
            tap.equal(board.count(), stored + 1)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


def test_the_page_is_served_with_its_guards():
    with Dashboard() as board:
        status, headers, content = board.ask("GET", "/", login=False)
        tap.equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        tap.equal(headers["X-Content-Type-Options"], "nosniff")
        for path in ("/api/v1/healthz", "/nothing", "/api/v2/status"):
            assert "Content-Security-Policy" in board.ask("GET", path, login=False)[1], path
        status, again, _ = board.ask("GET", "/", headers={"If-None-Match": headers["ETag"]}, login=False)
        tap.equal((status, again["ETag"]), (304, headers["ETag"]))
        for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2fetc/passwd", "//etc/passwd"):
            tap.equal(board.ask("GET", path, login=False)[0], 404, path)
        scripts = re.findall(r'src="\./([^"]+\.js)"', content.decode())
        for script in scripts:
            _, headers, plain = board.ask("GET", "/" + script, login=False)
            tap.equal("immutable" in headers["Cache-Control"], script.startswith("assets/"), script)
            _, headers, small = board.ask("GET", "/" + script, headers={"Accept-Encoding": "gzip"}, login=False)
            if headers.get("Content-Encoding") == "gzip":
                tap.equal(gzip.decompress(small), plain)
            _, headers, _ = board.ask("GET", "/" + script, headers={"Accept-Encoding": "gzip, br"}, login=False)
            tap.equal(headers.get("Content-Encoding"), "br")
        assert any(script.startswith("assets/") for script in scripts) or not scripts, scripts
        assert scripts or b"-Dweb=disabled" in content, content


def run_once(*arguments, **environment):
    result = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20,
                            env={**os.environ, **environment})
    return result.returncode, result.stderr.strip().splitlines()


def test_mistakes_in_the_set_up_are_one_clear_line():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    try:
        with Dashboard() as board:
            wrong = [
                (("--listen", f"127.0.0.1:{board.port}", "--state", folder + "/a"), f"127.0.0.1:{board.port} is taken"),
                (("-p", "0", "-a", "127.0.0.1", "--state", board.state), "is in use by another dashboard"),
                (("-a", "localhost", "--state", folder + "/a", "-p", "0"), 'no IP address'),
                (("-u", "admin", "--state", folder + "/a", "-p", "0"), "USER:PASSWORD"),
                (("--listen", "127.0.0.1:x"), "--listen must be IP:PORT"),
                (("--prot", "1"), "--port"),
                (("-t", "soon"), "soon"),
                (("-l", "loud", "--state", folder + "/a"), "log level"),
                (("--state", "/proc/nothing"), "/proc/nothing"),
                (("stray",), "stray"),
            ]
            for arguments, words in wrong:
                status, lines = run_once(*arguments)
                tap.equal((status, len(lines)), (1, 1), f"{arguments}: {lines}")
                assert words in lines[0], (arguments, lines)
        tap.equal(run_once("--version")[0], 0)
        tap.equal(run_once("--help")[0], 0)
    finally:
        shutil.rmtree(folder)


def test_redis_settings_are_taken_with_a_note():
    with Dashboard("-r", "localhost:6379", "-w", "x", "-t", "2W", "-x") as board:
        tap.equal(board.get("/api/v1/config")[1]["ttl"], 14 * 86400)
        tap.equal(board.stop(), 0)
        assert any("Redis settings have no effect" in line for line in board.lines), board.lines


def test_it_stops_cleanly_with_work_under_way():
    with Dashboard() as board:
        stream = Stream(board, "/api/v2/stream")
        results = []

        def send():
            try:
                while board.post([event(i) for i in range(50)])[0] == 200:
                    results.append(1)
            except OSError:
                pass

        threads = [threading.Thread(target=send) for _ in range(3)]
        for thread in threads:
            thread.start()
        tap.wait_for("some requests", lambda: len(results) > 5)
        begun = time.monotonic()
        tap.equal(board.stop(), 0)
        assert time.monotonic() - begun < 15
        for thread in threads:
            thread.join()
        stream.close()


def export(board, form, query=""):
    status, headers, content = board.ask("GET", f"/api/v2/export?format={form}{query}")
    tap.equal((status, headers["Content-Disposition"]), (200, f'attachment; filename="events.{form}"'))
    return content.decode()


def test_an_export_has_every_event_in_each_form():
    with Dashboard() as board:
        for start in range(0, 3000, 500):
            tap.equal(board.post([event(number) for number in range(start, start + 500)])[0], 200)
        hostile = event(rule='=HYPERLINK("x")', output='a "quoted" line\nand more', priority="Error",
                        tags=["T1059", "x"])
        tap.equal(board.post(hostile)[0], 200)

        lines = [json.loads(line) for line in export(board, "ndjson").splitlines()]
        tap.equal(len({line["uuid"] for line in lines}), 3001)
        times = [line["time"][:19] + line["time"][20:-1].ljust(9, "0") for line in lines]
        tap.equal([line["time"] for line, _ in sorted(zip(lines, times), key=lambda both: both[1], reverse=True)],
                  [line["time"] for line in lines])
        tap.equal(len(json.loads(export(board, "json"))), 3001)
        tap.equal(json.loads(export(board, "json", "&q=nosuchword")), [])
        rows = list(csv.DictReader(io.StringIO(export(board, "csv", "&q=priority:error"), newline="")))
        tap.equal([(row["rule"], row["output"], row["tags"]) for row in rows],
                  [("'=HYPERLINK(\"x\")", 'a "quoted" line\nand more', "T1059 x")])
        tap.equal(json.loads(rows[0]["output_fields"]), {"evt.num": 0})
        tap.equal(len(export(board, "ndjson", "&q=evt.num%3E%3D2990").splitlines()), 10)
        tap.equal(board.get("/api/v2/export?format=xml")[0], 400)
        tap.equal(board.get("/api/v2/export?q=%28a")[1],
                  {"error": "the parenthesis that opens here is not closed", "column": 1})


def test_an_export_that_nobody_reads_takes_nothing_with_it():
    with Dashboard("-d", login=None) as board:
        for _ in range(10):
            tap.equal(board.post([event(number, output="x" * 3000) for number in range(1000)])[0], 200)
        sockets = []
        for _ in range(8):
            one = socket.create_connection(("127.0.0.1", board.port))
            one.sendall(b"GET /api/v2/export HTTP/1.1\r\nHost: x\r\n\r\n")
            sockets.append(one)
        heads = [one.recv(64) for one in sockets]
        tap.equal(sorted(head.split()[1] for head in heads), [b"200"] * 4 + [b"503"] * 4)
        tap.equal(board.count(), 10000)
        for one in sockets:
            one.close()
        tap.wait_for("room for another", lambda: board.ask("GET", "/api/v2/export?q=priority:error")[0] == 200)


def days_of_alerts(state, alerts):
    """A month of alerts in a file a day, oldest first."""
    subprocess.run([BUILD / "dashboard/bench-store", str(alerts), state], check=True, stdout=subprocess.DEVNULL)
    return sorted(day for day in pathlib.Path(state).glob("events-*.db") if day.stat().st_size > 1_000_000)


def begin_export(board, form):
    """Asks, and reads the first line only: the dashboard reads about a megabyte ahead."""
    connection = http.client.HTTPConnection("127.0.0.1", board.port, timeout=60)
    connection.request("GET", f"/api/v2/export?format={form}&from=0")
    answer = connection.getresponse()
    tap.equal((answer.status, answer.headers["Content-Length"]), (200, None))
    return connection, answer, answer.readline()


def rest_of(answer):
    """What came, and whether it ended with the last chunk."""
    try:
        return answer.read().decode(), True
    except http.client.IncompleteRead as cut:
        return cut.partial.decode(), False


def test_an_export_that_loses_a_day_on_its_way_says_so():
    with tempfile.TemporaryDirectory() as state:
        days = days_of_alerts(state, 20000)
        with Dashboard("-d", login=None, state=state) as board:
            for form, end in (("ndjson", '"}\n'), ("json", "}"), ("csv", '"\r\n')):
                connection, answer, first = begin_export(board, form)
                broken = days.pop(0)
                with open(broken, "r+b") as file:
                    file.seek(8192)
                    file.write(os.urandom(broken.stat().st_size - 8192))
                text, is_whole = rest_of(answer)
                connection.close()
                tap.equal((form, is_whole), (form, False))
                tap.equal("this export is not complete" in text[-200:], form != "json")
                tap.equal(text.endswith(end), True, text[-100:])
                assert text.count("\n") > 10000, "the other days are there"
                tap.wait_for("the file is set aside", lambda: not broken.exists())
            # Asked anew it is whole again, without what is lost.
            connection, answer, first = begin_export(board, "ndjson")
            text, is_whole = rest_of(answer)
            tap.equal((is_whole, len({json.loads(line)["uuid"] for line in text.splitlines()}) + 1), (True, board.count()))
            connection.close()


def test_an_export_that_the_dashboard_s_end_cuts_off_is_no_whole_one():
    with tempfile.TemporaryDirectory() as state:
        days_of_alerts(state, 20000)
        with Dashboard("-d", login=None, state=state) as board:
            connection, answer, first = begin_export(board, "ndjson")
            board.process.send_signal(signal.SIGTERM)
            text, is_whole = rest_of(answer)
            connection.close()
            tap.equal(board.process.wait(30), 0)
            tap.equal(is_whole, False)


def test_values_are_counted_for_any_field():
    def facets(board, path):
        status, answer = board.get("/api/v2/facets?" + path)
        tap.equal(status, 200, path)
        return {one["field"]: [(value["value"], value["count"]) for value in one["values"]]
                for one in answer["facets"]}, answer

    with Dashboard() as board:
        for number in range(12):
            fields = {"proc.name": "cat" if number % 3 else "sh", "proc.pid": number % 2, "k8s.ns.name": "a,b",
                      "list": ["x", f"y{number % 2}"], "none": None}
            board.post(event(number, output_fields=fields, tags=["t", f"t{number % 2}"]))
        found, answer = facets(board, "fields=proc.name,proc.pid,list,none,tags,rule,priority,no.such")
        tap.equal(found, {"proc.name": [("cat", 8), ("sh", 4)], "proc.pid": [("0", 6), ("1", 6)],
                          "list": [("x", 12), ("y0", 6), ("y1", 6)], "none": [], "no.such": [],
                          "tags": [("t", 12), ("t0", 6), ("t1", 6)], "rule": [("A rule", 12)],
                          "priority": [("Notice", 12)]})
        tap.equal(answer["is_exact"], True)
        found, answer = facets(board, "fields=proc.name&limit=1&q=proc.pid:1+AND+(t1+OR+x)")
        tap.equal((found, answer["facets"][0]["others"], answer["facets"][0]["distinct"]),
                  ({"proc.name": [("cat", 4)]}, 2, 2))
        tap.equal(facets(board, "fields=proc.name&contains=A")[0], {"proc.name": [("cat", 8)]})
        tap.equal(board.get("/api/v2/facets")[0], 400)


def test_what_happened_next_to_an_event_is_found():
    with Dashboard() as board:
        made = []
        for number in range(20):
            now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=20 - number)
            made.append(event(output=f"number {number}", time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                              output_fields={"container.id": f"c{number % 2}"}))
        board.post(made)

        def around(**parameters):
            return board.get(f"/api/v2/around/{made[10]['event']['uuid']}?{urllib.parse.urlencode(parameters)}")[1]

        found = around(within="5min")
        tap.equal((found["field"], found["value"]), ("container.id", "c0"))
        tap.equal([one["output"] for one in found["after"]], ["number 14", "number 12"])
        tap.equal([one["output"] for one in found["before"]], ["number 8", "number 6"])
        tap.equal([one["output"] for one in around(same="host", limit=1)["after"]], ["number 11"])
        tap.equal([one["output"] for one in around(same="host", limit=1)["before"]], ["number 9"])
        tap.equal(around(same="pod"), {"field": "k8s.pod.name", "value": None, "after": [], "before": [],
                                       "is_exact": True})
        tap.equal(board.get(f"/api/v2/around/{uuid.uuid4()}")[0], 404)
        tap.equal(board.get(f"/api/v2/around/{made[0]['event']['uuid']}?same=moon")[0], 400)


def test_a_live_tail_goes_on_after_a_kill():
    with Dashboard() as board:
        stream = Stream(board, "/api/v2/stream")
        board.post([event(number) for number in range(5)])
        seen = [stream.next()["id"] for _ in range(5)]
        tap.equal(seen, ["1", "2", "3", "4", "5"])
        board.post([event(number) for number in range(5, 8)])
        board.stop(signal.SIGKILL)
        stream.close()
        board.start()
        board.post([event(number) for number in range(8, 10)])
        again = Stream(board, "/api/v2/stream", **{"Last-Event-ID": seen[-1]})
        tap.equal([json.loads(again.next()["data"])["output"] for _ in range(5)],
                  [f"number {number}" for number in range(5, 10)])
        again.close()


def test_a_damaged_file_is_set_aside_and_said():
    with Dashboard() as board:
        board.post([event(number) for number in range(300)])
        board.stop()
        day = next(pathlib.Path(board.state).rglob("events-*.db"))
        with open(day, "r+b") as file:
            file.seek(100)
            file.write(os.urandom(60000))
        board.start()
        assert any("is damaged and was set aside" in line for line in board.lines), board.lines
        tap.equal(board.count(), 0)
        tap.equal(board.get("/api/v2/status")[1]["damaged_files"], 1)
        tap.equal(board.post(event())[0], 200)
        tap.equal(board.count(), 1)
        assert list(day.parent.glob("*.damaged")), "the file is kept"
        board.stop()
        board.start()
        tap.equal((board.count(), board.get("/api/v2/status")[1]["damaged_files"]), (1, 1))


def test_nonsense_is_answered_and_never_fatal():
    """Random parameters of every route that reads; with a sanitizer's build this is a fuzzer."""
    chance = random.Random(20261124)
    pieces = ["(", ")", '"', "-", "OR", "AND", "NOT", "rule:", "priority>=", "priority:error", "a.b<", "*", "\\",
              "cat", "number", "17", "evt.num>", "tags:(", "\u202e", "\0", "%", "'; DROP TABLE events; --", "x" * 300, " "]
    values = ["", "0", "-1", "1", "99999999999999999999", "now", "now-1d", "now-999999999999y", "2026-11-24T10:00:00Z",
              "1.2", "a,b,,priority,evt.num", "rule", "csv", "json", "ndjson", "container", "host", "5min", "null"]
    names = ["state", "before", "namespace", "pod", "from", "to", "limit", "cursor", "by", "buckets", "fields", "contains", "same", "within", "format", "exact",
             "total", "since", "filter", "rule", "priority", "page"]
    with Dashboard("--no-login", login=None) as board:
        made = [event(number, tags=["T1059"], output_fields={"container.id": "c", "evt.num": number}) for number in range(600)]
        board.post(made)
        known = made[0]["event"]["uuid"]
        paths = ["/api/v2/" + name for name in ("overview", "histogram", "facets", "events", "export", "status", "openapi.json", "responses", "rule", "access", "settings",
                 f"events/{known}", f"events/{known}/json", f"around/{known}", "events/x", "around/%00")]
        paths += ["/api/v1/events/search", "/api/v1/events/count", "/api/v1/events/count/rule"]
        seen = set()
        for _ in range(1500):
            query = {name: chance.choice(values) for name in chance.sample(names, chance.randrange(4))}
            query["q"] = chance.choice(["", " "]).join(chance.choices(pieces, k=chance.randrange(9)))
            path = chance.choice(paths)
            status, headers, content = board.ask("GET", f"{path}?{urllib.parse.urlencode(query)}")
            seen.add(status)
            assert status in (200, 400, 404), (path, query, status, content)
            if "json" in headers["Content-Type"] and "nd" not in headers["Content-Type"]:
                answer = json.loads(content)
                assert status == 200 or answer["error"], (path, query, answer)
        tap.equal(seen, {200, 400, 404})
        tap.equal(board.count(), 600)


def test_the_openapi_document_names_every_route():
    with Dashboard() as board:
        status, document = board.get("/api/v2/openapi.json")
        tap.equal((status, document["openapi"]), (200, "3.1.0"))
        named = {parameter["name"] for path in document["paths"].values() for act in path.values()
                 for parameter in act["parameters"]}
        assert {"q", "from", "to", "fields", "format", "uuid"} <= named, named
        for path, acts in document["paths"].items():
            # Each answers something else than "there is no such route" with another method.
            wrong = "DELETE" if acts else "GET"
            tap.equal(board.ask(wrong, path.replace("{uuid}", "x"))[0], 405, path)


if __name__ == "__main__":
    tap.main(globals())

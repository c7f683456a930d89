# SPDX-License-Identifier: Apache-2.0
"""The forwarder alone, against receivers that answer, refuse, hang, break off and come back."""
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import uuid

import tap
from stack import BUILD, free_port

PROGRAM = str(BUILD / "forwarder/tercel-forwarder")


class Receiver:
    """Keeps what it is sent. `answer(number, body)` gives a status, (status, headers, body), "hang",
    or "break" (half a reply, then the end)."""

    def __init__(self, answer=lambda number, body: 200, port=0, tls=None):
        outer = self
        self.answer = answer
        self.requests = []  # (headers, body) of those answered with 200
        self.count = 0
        self.lock = threading.Lock()
        self.released = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:  # its sender was killed in the middle: it never arrived
                    self.close_connection = True
                    return
                with outer.lock:
                    outer.count += 1
                    number = outer.count
                outer.reply(self, outer.answer(number, body), body)

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # connections of programs that were killed
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def reply(self, handler, answer, body):
        if answer == "hang":
            self.released.wait()
            handler.close_connection = True
            return
        if answer == "break":
            with self.lock:
                self.requests.append((handler.headers, body))
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            handler.close_connection = True
            return
        status, headers, words = answer if isinstance(answer, tuple) else (answer, {}, "")
        if status < 300:
            with self.lock:
                self.requests.append((handler.headers, body))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(words)))
        handler.end_headers()
        handler.wfile.write(words.encode())

    def alerts(self):
        """All alerts so far, in order, out of single ones, webui's wrapping and arrays."""
        found = []
        with self.lock:
            bodies = [body for _, body in self.requests]
        for body in bodies:
            value = json.loads(body)
            for item in value if isinstance(value, list) else [value]:
                found.append(item.get("event", item))
        return found

    def rules(self):
        return [alert["rule"] for alert in self.alerts()]

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class Forwarder:
    """with Forwarder(WEBHOOK_ADDRESS=…) as one: one.post(alert("rule"))"""

    def __init__(self, config=None, scheme="http", **environment):
        self.environment = environment
        self.config = config
        self.tls = scheme == "https"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="tercel-test-")
        self.port = free_port()
        self.socket = os.path.join(self.folder, "socket")
        self.state = os.path.join(self.folder, "state")
        self.log = os.path.join(self.folder, "log")
        self.start()
        return self

    def start(self):
        environment = {"PATH": os.environ["PATH"], "LISTENADDRESS": "127.0.0.1", "LISTENPORT": str(self.port),
                       "LISTENSOCKET": self.socket, **self.environment}
        command = [PROGRAM, "--state", self.state]
        if self.config:
            path = os.path.join(self.folder, "config.yaml")
            pathlib.Path(path).write_text(self.config, encoding="utf-8")
            command += ["-c", path]
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        tap.wait_for("the forwarder to listen", lambda: self.process.poll() is not None or self.listens())
        if self.process.poll() is not None:
            raise AssertionError("the forwarder ended:\n" + self.logged())

    def listens(self):
        try:
            return self.request("GET", "/ping", unix=True)[0] == 200
        except OSError:
            return False

    def logged(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")

    def request(self, method, path, body=None, unix=False, headers=None):
        connection = UnixConnection(self.socket) if unix else \
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def post(self, value, **more):
        body = value if isinstance(value, (str, bytes)) else json.dumps(value)
        return self.request("POST", "/", body, **more)[0]

    def output(self, name="webhook"):
        outputs = json.loads(self.request("GET", "/api/outputs", unix=True)[1])
        return next(one for one in outputs if one["name"] == name)

    def metric(self, name):
        for line in self.request("GET", "/metrics", unix=True)[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(None, 1)[1])
        raise AssertionError(f"no metric {name}")

    def dead_letters(self):
        database = sqlite3.connect(os.path.join(self.state, "dead-letters.db"))
        try:
            return database.execute("SELECT output, reason, body FROM dead_letters ORDER BY id").fetchall()
        finally:
            database.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def __exit__(self, kind, *_):
        try:
            status = self.stop()
            if kind is None:
                assert status in (0, -signal.SIGKILL), f"exit status {status}:\n{self.logged()}"
                assert "Sanitizer" not in self.logged(), self.logged()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def alert(rule="a rule", **more):
    return {"output": f"17:18:29.082520347: Warning {rule}", "priority": "Warning", "rule": rule,
            "time": "2021-05-29T17:18:29.082520347Z", "source": "syscall", "hostname": "node-1", "tags": ["b", "a"],
            "output_fields": {"evt.time": 1622308709082520347, "proc.name": "sh"}, **more}


def numbered(count, start=0):
    return [f"rule {i}" for i in range(start, start + count)]


def test_paths_answer_as_falcosidekicks_do():
    with Forwarder() as one:
        for method in ("GET", "POST", "PUT"):
            tap.equal(one.request(method, "/ping")[:2], (200, "pong\n"))
        tap.equal(one.request("GET", "/healthz")[:2], (200, '{"status": "ok"}'))
        tap.equal(one.request("GET", "/")[:2], (400, "Please send with post http method\n"))
        tap.equal(one.request("DELETE", "/anything")[0], 400)
        tap.equal(one.request("POST", "/", json.dumps(alert()))[:2], (200, ""))
        tap.equal(one.request("POST", "/any/other/path", json.dumps(alert()))[0], 200)
        for wrong in ("", "{", "[1]", "{}", json.dumps(alert(priority="urgent")), json.dumps(alert(rule=""))):
            status, words, _ = one.request("POST", "/", wrong)
            tap.equal(status, 400, wrong)
            assert words.startswith("Please send a valid request body\n"), words
        tap.equal(one.metric('falcosecurity_falcosidekick_inputs_total{source="requests",status="accepted"}'), 2)


def test_the_test_event_is_the_known_one():
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        tap.equal(one.request("GET", "/test")[0], 200)
        event = tap.wait_for("the event", receiver.alerts)[0]
        tap.equal(event["output"], "This is a test from falcosidekick")
        tap.equal((event["source"], event["priority"], event["hostname"]), ("internal", "Debug", "falcosidekick"))
        tap.equal(event["tags"], ["example", "test"])
    receiver.close()


def test_an_array_and_lines_are_taken_and_numbers_not_rounded():
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        status, words, _ = one.request("POST", "/", json.dumps([alert("a"), {"bad": 1}, alert("b")]))
        tap.equal((status, json.loads(words)), (200, {"accepted": 2, "rejected": 1}))
        tap.equal(one.post("\n".join(json.dumps(alert(rule)) for rule in "cde")), 200)
        tap.wait_for("five alerts", lambda: len(receiver.alerts()) == 5)
        tap.equal(receiver.rules(), list("abcde"))
        tap.equal(receiver.alerts()[0]["output_fields"]["evt.time"], 1622308709082520347)
    receiver.close()


def test_a_body_over_the_limit_is_refused():
    with Forwarder(BODYLIMIT="10kB") as one:
        tap.equal(one.request("POST", "/", json.dumps(alert(output="x" * 20000)))[0], 413)
        tap.equal(one.post(alert()), 200)


def test_verified_says_how_an_alert_came_and_a_wrong_token_is_refused():
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url, TOKEN="sesame") as one:
        tap.equal(one.post(alert("stranger", verified="mtls")), 200)
        tap.equal(one.post(alert("token"), headers={"Authorization": "Bearer sesame"}), 200)
        tap.equal(one.post(alert("socket"), unix=True), 200)
        for token in ("sesam", "sesame1", "SESAME", "sesame\0"[:6] + "x"):
            tap.equal(one.post(alert("wrong"), headers={"Authorization": "Bearer " + token}), 401)
        tap.wait_for("three alerts", lambda: len(receiver.alerts()) == 3)
        tap.equal([one.get("verified") for one in receiver.alerts()], [None, "token", "socket"])
    receiver.close()


def test_a_stranger_on_the_socket_is_not_verified():
    if os.geteuid() != 0:
        tap.skip("root is needed to become another user")
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        os.chmod(one.folder, 0o755)
        body = json.dumps(alert("stranger"))
        send = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
                "s.sendall(sys.argv[2].encode()); print(s.recv(100).decode())")
        request = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        done = subprocess.run(["/usr/bin/python3", "-c", send, one.socket, request], user=65534, group=65534,
                              capture_output=True, text=True, check=False, timeout=20)
        assert " 200 " in done.stdout, done
        event = tap.wait_for("the alert", receiver.alerts)[0]
        tap.equal((event["rule"], event.get("verified")), ("stranger", None))
    receiver.close()


def test_an_alert_sent_again_by_a_known_sender_is_kept_once_also_over_a_kill():
    receiver = Receiver()
    again = alert("again", uuid=str(uuid.uuid4()))
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        for _ in range(3):
            tap.equal(one.post([again], unix=True), 200)
        one.kill()
        one.start()
        tap.equal(one.post([again], unix=True), 200)
        tap.equal(one.post(again), 200)  # a stranger's word counts for nothing: this is a new one
        tap.equal(one.post(alert("last"), unix=True), 200)
        tap.wait_for("the last", lambda: "last" in receiver.rules())
        uuids = {event["uuid"] for event in receiver.alerts() if event["rule"] == "again"}
        tap.equal(len(uuids), 2)
        assert again["uuid"] in uuids
    receiver.close()


def test_a_taken_port_is_one_clear_line():
    with Forwarder() as one, tempfile.TemporaryDirectory() as other:
        ended = subprocess.run([PROGRAM, "--state", other], timeout=20, capture_output=True, text=True, check=False,
                               env={"LISTENADDRESS": "127.0.0.1", "LISTENPORT": str(one.port)})
        tap.equal(ended.returncode, 1)
        lines = (ended.stdout + ended.stderr).strip().splitlines()
        tap.equal(len(lines), 1, "\n".join(lines))
        assert f"127.0.0.1:{one.port} is taken" in lines[0], lines[0]


def test_a_state_folder_in_use_is_one_clear_line():
    with Forwarder() as one:
        ended = subprocess.run([PROGRAM, "--state", one.state], timeout=20, capture_output=True, text=True,
                               check=False, env={"LISTENPORT": str(free_port())})
        tap.equal(ended.returncode, 1)
        tap.equal(len(ended.stderr.strip().splitlines()), 1, ended.stderr)
        assert "is in use by another" in ended.stderr, ended.stderr


def test_alerts_wait_for_a_receiver_that_is_not_there():
    port = free_port()
    with Forwarder(WEBHOOK_ADDRESS=f"http://127.0.0.1:{port}/") as one:
        for rule in numbered(30):
            tap.equal(one.post(alert(rule)), 200)
        tap.wait_for("the refused state", lambda: one.output()["state"] == "refused")
        tap.equal(one.output()["queued"], 30)
        receiver = Receiver(port=port)
        tap.wait_for("all alerts", lambda: len(receiver.alerts()) == 30)
        tap.equal(receiver.rules(), numbered(30))
        tap.wait_for("the good state", lambda: one.output()["state"] == "ok" and one.output()["queued"] == 0)
        tap.equal(one.dead_letters(), [])
    receiver.close()


def test_a_rotated_key_loses_nothing():
    receiver = Receiver(lambda number, body: (401, {}, "this key is over") if number < 4 else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        for rule in numbered(10):
            tap.equal(one.post(alert(rule)), 200)
        tap.wait_for("all alerts", lambda: len(receiver.alerts()) == 10)
        tap.equal(receiver.rules(), numbered(10))
        assert "this key is over" in one.output()["last_error"]
        tap.equal(one.dead_letters(), [])
        assert one.logged().count("this key is over") == 1, one.logged()
    receiver.close()


def test_a_receiver_that_is_busy_is_asked_again():
    answers = [429, 503, 500, 408]
    receiver = Receiver(lambda number, body:
                        (answers[number - 1], {"Retry-After": "0"}, "busy") if number <= len(answers) else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        tap.equal(one.post([alert(rule) for rule in numbered(5)]), 200)
        tap.wait_for("all alerts", lambda: len(receiver.alerts()) == 5)
        tap.equal(receiver.rules(), numbered(5))
        tap.equal(one.dead_letters(), [])
    receiver.close()


def test_an_alert_that_is_refused_is_a_dead_letter_and_the_others_go_on():
    receiver = Receiver(lambda number, body: (400, {}, "no such field: x") if b'"rule 3"' in body else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        for rule in numbered(6):
            tap.equal(one.post(alert(rule)), 200)
        tap.wait_for("the others", lambda: len(receiver.alerts()) == 5)
        tap.equal(receiver.rules(), [rule for rule in numbered(6) if rule != "rule 3"])
        letters = tap.wait_for("the dead letter", one.dead_letters)
        tap.equal([(name, reason) for name, reason, _ in letters], [("webhook", "400: no such field: x")])
        tap.equal(json.loads(letters[0][2])["rule"], "rule 3")
        tap.equal(one.output()["state"], "ok")
    receiver.close()


def test_one_refused_alert_of_many_is_found_and_the_others_arrive():
    receiver = Receiver(lambda number, body: (422, {}, "bad one") if b'"rule 17"' in body else 200)
    with Forwarder(WEBUI_URL=receiver.url, WEBUI_TOKEN="t") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(40)]), 200)
        tap.wait_for("the others", lambda: len(receiver.alerts()) == 39)
        tap.equal(receiver.rules(), [rule for rule in numbered(40) if rule != "rule 17"])
        letters = tap.wait_for("the dead letter", one.dead_letters)
        tap.equal(len(letters), 1)
        tap.equal(one.post([alert(rule) for rule in numbered(40, 100)]), 200)
        tap.wait_for("what came later", lambda: len(receiver.alerts()) == 79)
        tap.equal(len(json.loads(receiver.requests[-1][1])), 40, "later alerts travel together again")
    receiver.close()


def test_a_reply_that_breaks_off_is_repeated_with_the_same_uuid():
    receiver = Receiver(lambda number, body: "break" if number in (2, 3) else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        for rule in numbered(4):
            tap.equal(one.post(alert(rule)), 200)
        tap.wait_for("all alerts", lambda: len(set(receiver.rules())) == 4)
        by_rule = {}
        for event in receiver.alerts():
            by_rule.setdefault(event["rule"], set()).add(event["uuid"])
        tap.equal({rule: len(uuids) for rule, uuids in by_rule.items()}, {rule: 1 for rule in numbered(4)})
        tap.equal(len(receiver.alerts()), 6)
    receiver.close()


def test_an_output_that_hangs_delays_only_itself_and_not_the_end():
    hanging, good = Receiver(lambda number, body: "hang"), Receiver()
    with Forwarder(WEBHOOK_ADDRESS=hanging.url, WEBUI_URL=good.url, DRAIN="200ms") as one:
        for rule in numbered(50):
            tap.equal(one.post(alert(rule)), 200)
        tap.wait_for("the other output", lambda: len(good.alerts()) == 50)
        tap.equal(hanging.count, 1)
        tap.equal(one.output()["queued"], 50)
        tap.equal(one.stop(), 0)
        hanging.answer = lambda number, body: 200
        one.start()
        tap.wait_for("what waited", lambda: len(hanging.alerts()) == 50)
        tap.equal(hanging.rules(), numbered(50))
    hanging.close()
    good.close()


def test_sigterm_sends_what_was_taken_before_the_end():
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url, DRAIN="20s") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(300)]), 200)
        tap.equal(one.stop(), 0)
        tap.equal(receiver.rules(), numbered(300))
    receiver.close()


def test_a_minimum_priority_keeps_the_lower_ones_away():
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url, WEBHOOK_MINIMUMPRIORITY="error") as one:
        for priority in ("Debug", "Warning", "Error", "Emergency", "Notice"):
            tap.equal(one.post(alert(priority, priority=priority)), 200)
        tap.equal(one.post(alert("Test rule", priority="Debug")), 200)
        tap.wait_for("three alerts", lambda: len(receiver.alerts()) == 3)
        tap.equal(receiver.rules(), ["Error", "Emergency", "Test rule"])
        tap.wait_for("an empty queue", lambda: one.output()["queued"] == 0)
    receiver.close()


def test_many_requests_at_once_lose_nothing_when_they_are_asked_for():
    receiver = Receiver(lambda number, body: 503 if number % 7 == 0 else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url, WEBHOOK_MAXCONCURRENTREQUESTS="8") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(60)]), 200)
        tap.wait_for("all alerts", lambda: set(receiver.rules()) == set(numbered(60)), 60)
        tap.wait_for("an empty queue", lambda: one.output()["queued"] == 0)
    receiver.close()


def test_a_new_output_starts_at_the_head_and_an_old_one_goes_on():
    first, second = Receiver(), Receiver()
    with Forwarder(WEBHOOK_ADDRESS=first.url) as one:
        tap.equal(one.post(alert("before")), 200)
        tap.wait_for("the first", first.alerts)
        one.stop()
        one.environment["WEBUI_URL"] = second.url
        one.start()
        tap.equal(one.post(alert("after")), 200)
        tap.wait_for("both", lambda: len(first.alerts()) == 2 and second.alerts())
        tap.equal(second.rules(), ["after"])
        tap.equal(first.rules(), ["before", "after"])
    first.close()
    second.close()


def make_certificates(folder):
    """A CA, and a server's and a client's certificate that it signed."""
    def run(*command):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "1", "-subj",
        "/CN=test CA")
    for name in ("server", "client"):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj",
            f"/CN={name}")
        pathlib.Path(folder, "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost", encoding="ascii")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
            "1", "-out", f"{name}.crt", "-extfile", "names")


def server_context(folder, asks_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(f"{folder}/ca.crt")
    return context


def test_a_receivers_certificate_is_checked_unless_told_otherwise():
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        receiver = Receiver(tls=server_context(folder))
        with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
            tap.equal(one.post(alert()), 200)
            tap.wait_for("the refused state", lambda: one.output()["state"] == "refused")
            assert "certificate" in one.output()["last_error"], one.output()
            one.stop()
            one.environment["TLSCLIENT_CACERTFILE"] = f"{folder}/ca.crt"
            one.start()
            tap.wait_for("the alert", receiver.alerts)
            one.stop()
            del one.environment["TLSCLIENT_CACERTFILE"]
            one.environment["WEBHOOK_CHECKCERT"] = "false"
            one.start()
            tap.equal(one.post(alert("unchecked")), 200)
            tap.wait_for("the next", lambda: "unchecked" in receiver.rules())
        receiver.close()


def test_mutual_tls_shows_our_certificate():
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        receiver = Receiver(tls=server_context(folder, asks_client=True))
        with Forwarder(WEBHOOK_ADDRESS=receiver.url, WEBHOOK_MUTUALTLS="true", MUTUALTLSFILESPATH=folder) as one:
            tap.equal(one.post(alert()), 200)
            tap.wait_for("the alert", receiver.alerts)
        receiver.close()


def post_tls(port, folder, value, with_client):
    context = ssl.create_default_context(cafile=f"{folder}/ca.crt")
    if with_client:
        context.load_cert_chain(f"{folder}/client.crt", f"{folder}/client.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    try:
        connection.request("POST", "/", json.dumps(value))
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_tls_server_asks_for_certificates_and_keeps_some_paths_plain():
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        plain = free_port()
        with Forwarder(WEBHOOK_ADDRESS=receiver.url, TLSSERVER_DEPLOY="true", TLSSERVER_MUTUALTLS="true",
                       TLSSERVER_CERTFILE=f"{folder}/server.crt", TLSSERVER_KEYFILE=f"{folder}/server.key",
                       TLSSERVER_CACERTFILE=f"{folder}/ca.crt", TLSSERVER_NOTLSPORT=str(plain),
                       TLSSERVER_NOTLSPATHS="/healthz") as one:
            tap.equal(post_tls(one.port, folder, alert("known"), True), 200)
            tap.equal(post_tls(one.port, folder, alert("unknown"), False), 401)
            connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
            connection.request("GET", "/healthz")
            tap.equal(connection.getresponse().status, 200)
            connection.close()
            event = tap.wait_for("the alert", receiver.alerts)[0]
            tap.equal((event["rule"], event["verified"]), ("known", "mtls"))
    receiver.close()


class Senders:
    """Threads that post numbered alerts until told to stop; keeps what was acknowledged."""

    def __init__(self, one, count):
        self.one = one
        self.acknowledged = []
        self.lock = threading.Lock()
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, sender):
        number = 0
        while not self.is_over:
            rules = [f"sender {sender} alert {number + i}" for i in range(1 + sender % 3 * 10)]
            number += len(rules)
            try:
                if self.one.post([alert(rule) for rule in rules]) == 200:
                    with self.lock:
                        self.acknowledged += rules
            except (OSError, http.client.HTTPException):
                continue  # it was killed

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def test_kill_9_under_load_loses_no_acknowledged_alert():
    receiver = Receiver(lambda number, body: "break" if number % 50 == 0 else 200)
    with Forwarder(WEBUI_URL=receiver.url, WEBUI_TOKEN="t", DRAIN="60s") as one:
        senders = Senders(one, 4)
        try:
            for round_number in range(6):
                wanted = len(senders.acknowledged) + 60 + 37 * round_number
                tap.wait_for("acknowledged alerts", lambda w=wanted: len(senders.acknowledged) >= w)
                one.kill()
                one.start()
        finally:
            senders.stop()
        tap.wait_for("an empty queue", lambda: one.output("webui")["queued"] == 0, 60)
        missing = set(senders.acknowledged) - set(receiver.rules())
        tap.equal(missing, set())
        uuids = {}
        for event in receiver.alerts():
            uuids.setdefault(event["rule"], set()).add(event["uuid"])
        doubled = [rule for rule, found in uuids.items() if len(found) > 1]
        tap.equal(doubled, [], "repeats carry the same uuid")
    receiver.close()


def test_a_full_disk_is_answered_with_503_and_ends_when_there_is_room():
    if os.geteuid() != 0:
        tap.skip("root is needed to mount a small file system")
    folder = tempfile.mkdtemp(prefix="tercel-test-small-")
    receiver = Receiver()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        os.rmdir(folder)
        tap.skip("no tmpfs can be mounted here")
    try:
        with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
            one.stop()
            one.state = os.path.join(folder, "state")
            one.start()
            filler = pathlib.Path(folder, "filler")
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            big = alert("big", output_fields={f"f{i}": "x" * 400 for i in range(100)})
            status = tap.wait_for("a refusal", lambda: (lambda got: got if got[0] != 200 else None)(
                one.request("POST", "/", json.dumps(big))))
            tap.equal((status[0], status[2].get("Retry-After")), (503, "1"))
            tap.equal(one.metric("tercel_forwarder_journal_ok"), 0)
            filler.unlink()
            tap.equal(one.post(alert("after")), 200)
            tap.wait_for("the alert", lambda: "after" in receiver.rules())
            tap.equal(one.metric("tercel_forwarder_journal_ok"), 1)
            one.stop()
    finally:
        subprocess.run(["umount", folder], check=False)
        os.rmdir(folder)
        receiver.close()


def test_a_damaged_file_is_set_aside_and_the_rest_is_delivered():
    port = free_port()
    with Forwarder(WEBHOOK_ADDRESS=f"http://127.0.0.1:{port}/") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(20)]), 200)
        one.stop()
        newest = sorted(pathlib.Path(one.state).glob("alerts-*.db"))[-1]
        with open(newest, "r+b") as file:
            file.write(b"x" * 32768)
        one.start()
        assert list(pathlib.Path(one.state).glob("*.damaged-*")), "set aside"
        assert "set aside as" in one.logged(), one.logged()
        tap.equal(one.post(alert("after")), 200)
        receiver = Receiver(port=port)
        tap.wait_for("the alert", lambda: receiver.rules() == ["after"])
        tap.wait_for("an empty queue", lambda: one.output()["queued"] == 0)
        one.stop()
        receiver.close()


def test_outputs_that_come_later_and_unknown_keys_are_answered_and_nothing_stops():
    config = "stan:\n  hostport: nats://x\nPagerduty:\n  APIKey: x\nwebhook:\n  adress: http://a\n"
    with Forwarder(config=config) as one:
        tap.equal(one.post(alert()), 200)
        tap.wait_for("the greeting", lambda: "Enabled Outputs: []" in one.logged())
        logged = one.logged()
        tap.equal(logged.count("output stan is configured, but "), 1)
        assert 'did you mean \\"webhook.address\\"?' in logged, logged
        assert "pagerduty.apikey has no effect; set pagerduty.routingkey" in logged, logged


if __name__ == "__main__":
    tap.main(globals())

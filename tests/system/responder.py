# SPDX-License-Identifier: Apache-2.0
"""The responder, and a Kubernetes API server that only records what it is asked: verb, path, body, token.

    with FakeApi() as api, Responder(api, PLAYBOOK) as responder:
        api.add_pod("default", "web-1", uid="u-1")
        responder.post(alert("default", "web-1"))
        api.wait("PATCH", "/api/v1/namespaces/default/pods/web-1")"""
import base64
import copy
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

import tap
from stack import BUILD, free_port

TOKEN = "token-of-this-test"
NODE = "node-1"


def alert(namespace="default", pod="web-1", rule="Terminal shell in container", node=NODE, verified="token", **fields):
    """An alert as the forwarder hands it on."""
    found = {"k8s.ns.name": namespace, "k8s.pod.name": pod, "proc.name": "bash", **fields}
    return {"uuid": str(uuid.uuid4()), "output": "a shell was started", "priority": "Warning", "rule": rule,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "source": "syscall", "hostname": node,
            "output_fields": found, "tags": ["shell", "container"], **({"verified": verified} if verified else {})}


def merge(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merge(target.get(key), value)
    return target


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        api = self.server.api
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urllib.parse.urlsplit(self.path)
        call = {"verb": self.command, "path": path.path, "query": urllib.parse.parse_qs(path.query, keep_blank_values=True),
                "media": self.headers.get("Content-Type"), "token": self.headers.get("Authorization"),
                "body": json.loads(body) if body[:1] in (b"{", b"[") else body.decode(), "time": time.time()}
        if api.is_down:
            self.close_connection = True
            return
        api.record(call)
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.stream(call)
            return
        status, answer = api.answer(call)
        text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    # The streams of exec: RFC 6455, and Kubernetes' v5.channel.k8s.io in it.

    def stream(self, call):
        accept = base64.b64encode(hashlib.sha1(
            (self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.send_header("Sec-WebSocket-Protocol", "v5.channel.k8s.io")
        self.end_headers()
        self.close_connection = True
        call["stdin"] = self.read_stdin() if call["query"].get("stdin") == ["true"] else b""
        output, error, status = self.server.api.run(call)
        for channel, data in ((1, output), (2, error)):
            for at in range(0, len(data), 50000):
                self.send_frame(bytes([channel]) + data[at:at + 50000])
        self.send_frame(bytes([3]) + json.dumps(status).encode())
        self.send_frame(struct.pack(">H", 1000), opcode=8)

    def read_stdin(self):
        text = b""
        while True:
            opcode, data = self.read_frame()
            if opcode == 8 or data[:1] == b"\xff":
                return text
            text += data[1:] if data[:1] == b"\0" else b""

    def read_frame(self):
        first, second = self.rfile.read(2)
        length = second & 127
        if length == 126:
            length, = struct.unpack(">H", self.rfile.read(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.rfile.read(8))
        assert second & 128, "a client masks its frames"
        mask = self.rfile.read(4)
        data = self.rfile.read(length)
        return first & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(data))

    def send_frame(self, data, opcode=2):
        length = len(data)
        head = bytes([0x80 | opcode]) + (bytes([length]) if length < 126 else b"\x7e" + struct.pack(">H", length)
                                         if length < 65536 else b"\x7f" + struct.pack(">Q", length))
        self.wfile.write(head + data)
        self.wfile.flush()


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that was killed is no error of ours."""


class FakeApi:
    """Objects by path; merge patches, deletes and puts change them."""

    def __enter__(self):
        self.calls, self.objects, self.lock = [], {}, threading.Lock()
        self.is_down = False
        self.version = 0
        self.answers = []  # (verb, pattern of the path, function of the call): before everything else
        self.commands = lambda call: (b"", b"", {"status": "Success"})
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.api = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tercel-fake-api-"))
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "tercel"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "u", "user": {"token": "cluster-token"}}]}))
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def record(self, call):
        with self.lock:
            self.calls.append(call)

    def run(self, call):
        return self.commands(call)

    def answer(self, call):
        for verb, pattern, give in self.answers:
            if verb == call["verb"] and re.fullmatch(pattern, call["path"]):
                return give(call)
        with self.lock:
            return self.change(call["verb"], call["path"], call["body"])

    def change(self, verb, path, body):
        parent = path.rpartition("/")[0]
        if verb == "POST" and re.search(r"/(events|eviction)$", path):
            if path.endswith("/eviction"):
                self.objects.pop(parent, None)
            return 201, body
        if verb == "POST":
            key = f"{path}/{body['metadata']['name']}"
            if key in self.objects:
                return 409, {"kind": "Status", "message": "it is there already"}
            self.objects[key] = self.versioned(key, body)
            return 201, copy.deepcopy(self.objects[key])
        if path not in self.objects and verb == "GET" and (path.endswith("/configmaps") or any(
                key.startswith(path + "/") for key in self.objects)):
            return 200, {"items": [one for key, one in self.objects.items() if key.rpartition("/")[0] == path]}
        if path not in self.objects:
            return 404, {"kind": "Status", "message": f"{path} not found"}
        if verb == "DELETE":
            uid = ((body or {}).get("preconditions") or {}).get("uid")
            if uid and uid != self.objects[path]["metadata"].get("uid"):
                return 409, {"kind": "Status", "message": "the uid in the precondition is another"}
            return 200, self.objects.pop(path)
        if verb == "PATCH":
            uid = (body.get("metadata") or {}).get("uid") if isinstance(body, dict) else None
            if uid and uid != self.objects[path]["metadata"].get("uid"):
                return 409, {"kind": "Status", "message": "the uid in the precondition is another"}
            self.objects[path] = merge(self.objects[path], body)
        if verb == "PUT":
            version = (body.get("metadata") or {}).get("resourceVersion")
            if version and version != self.objects[path]["metadata"].get("resourceVersion"):
                return 409, {"kind": "Status", "message": "the object has been modified"}
            self.objects[path] = self.versioned(path, body)
        return 200, copy.deepcopy(self.objects[path])

    def versioned(self, path, thing):
        """Of what replicas share; what actions make stays as they made it."""
        if re.search(r"/(leases|configmaps)/", path):
            self.version += 1
            thing["metadata"]["resourceVersion"] = str(self.version)
        return thing

    def add(self, path, thing):
        with self.lock:
            self.objects[path] = thing

    def add_pod(self, namespace, name, uid=None, node=NODE, labels=None, owner=None, ready=True, **metadata):
        pod = {"kind": "Pod", "apiVersion": "v1",
               "metadata": {"name": name, "namespace": namespace, "uid": uid or str(uuid.uuid4()),
                            "labels": labels or {"app": "web"}, "creationTimestamp": "2024-01-01T00:00:00Z", **metadata},
               "spec": {"nodeName": node, "containers": [{"name": "main"}]},
               "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}}
        if owner:
            pod["metadata"]["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
        self.add(f"/api/v1/namespaces/{namespace}/pods/{name}", pod)
        return pod

    def of(self, verb=None, path=None):
        with self.lock:
            return [c for c in self.calls if (not verb or c["verb"] == verb) and (not path or re.fullmatch(path, c["path"]))]

    def changes(self):
        """All calls that change something, without Events."""
        return [c for c in self.of() if c["verb"] != "GET" and not c["path"].endswith("/events")
                and "/leases" not in c["path"] and "/namespaces/tercel/configmaps" not in c["path"]]

    def wait(self, verb, path, seconds=20):
        return tap.wait_for(f"{verb} {path}", lambda: self.of(verb, path), seconds)[0]


class Receiver:
    """Takes what is posted: a forwarder, a webhook, a function."""

    def __enter__(self):
        self.posts = []
        receiver = self

        class Take(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                post = {"path": self.path, "headers": dict(self.headers), "body": body, "verb": self.command}
                receiver.posts.append(post)
                receiver.take(post)
                self.send_response(receiver.status(post))
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_PUT = do_GET = do_POST

        self.server = Server(("127.0.0.1", 0), Take)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def status(self, post):
        return 200

    def take(self, post):
        """For those who do something with it."""

    def alerts(self):
        return [json.loads(post["body"]) for post in self.posts]


class Responder:
    def __init__(self, api, playbook, dry_run=False, settings="", environment=None):
        self.api, self.playbook, self.environment = api, playbook, environment or {}
        self.settings = settings
        self.dry_run = dry_run

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tercel-responder-"))
        self.file = self.folder / "playbook.yaml"
        self.file.write_text(self.playbook)
        self.config = self.folder / "responder.yaml"
        self.port = free_port()
        self.config.write_text(f"listen_address: 127.0.0.1\nlisten_port: {self.port}\nrules_files: [{self.file}]\n"
                               f"dry_run: {str(self.dry_run).lower()}\ntoken: {TOKEN}\nstate: {self.folder / 'state'}\n"
                               + (f"kubeconfig: {self.api.kubeconfig}\n" if self.api else "") + self.settings)
        self.start()
        return self

    def start(self):
        self.log = open(self.folder / "log", "a")
        self.process = subprocess.Popen([BUILD / "responder/tercel-responder", "-c", self.config], stderr=self.log,
                                        env={**os.environ, **self.environment})
        tap.wait_for("the responder", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(self.logged())
        try:
            return self.get("/healthz")
        except OSError:
            return False

    def logged(self):
        return (self.folder / "log").read_text()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            status = self.process.wait(60)
            # A sanitizer speaks at the end.
            if number == signal.SIGTERM and status:
                raise AssertionError(f"the responder ended with {status}\n{self.logged()}")
        self.log.close()

    def call(self, method, path, body=None, token=TOKEN):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode())
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as why:
            return why.code, why.read().decode()

    def get(self, path, token=TOKEN):
        return self.call("GET", path, token=token)[1]

    def post(self, body, token=TOKEN):
        return self.call("POST", "/", body, token)[0]

    def responses(self, **query):
        return json.loads(self.get("/api/responses?" + urllib.parse.urlencode(query)))["responses"]

    def wait_state(self, state, count=1, seconds=20):
        try:
            return tap.wait_for(f"{count} responses that are {state}", lambda: len(found := self.responses(state=state)) >= count and found, seconds)
        except AssertionError as why:
            raise AssertionError(f"{why}: {self.responses()}\n{self.logged()}") from None

    def audit(self):
        path = self.folder / "state/audit.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

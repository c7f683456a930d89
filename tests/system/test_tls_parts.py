#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Forwarder, dashboard and responder over TLS as the chart sets them up: each serves with a certificate of its
own, each is believed by one authority alone, and certificates are renewed while the programs run."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

import tap
from responder import FakeApi, alert
from stack import BUILD, free_port
from test_tls import Authority

TOKEN = "a-token"
USER = "me:secret"
LABEL = """
- rule: Label
  match: {rules: [Terminal shell in container]}
  actions: [{action: it, actionner: kubernetes:label, parameters: {labels: {suspicious: "true"}}}]
"""


class Part:
    """A program that serves HTTPS on a port of its own."""

    def __init__(self, folder, name, authority, command):
        self.port, self.log = free_port(), folder / f"{name}.log"
        self.authority, self.command = authority, command

    def start(self, *more, environment=()):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.command, *more], stdout=log, stderr=log,
                                            env={"PATH": os.environ["PATH"], **dict(environment)})
        tap.wait_for(f"{self.log.stem} to listen", self.answers, 60)

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())
        with contextlib.suppress(OSError):
            self.ask("/")
            return True
        return False

    def ask(self, path, body=None, login=None):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", login or f"Bearer {TOKEN}")
        context = ssl.create_default_context(cafile=self.authority.ca_crt)
        context.check_hostname = False
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as why:
            return why.code, why.read().decode()

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=20)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@contextlib.contextmanager
def parts(api):
    """The three, each of which knows the others by one authority."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tercel-tls-"))
    folder.chmod(0o755)
    authority = Authority(f"{folder}/authority")
    authority.sign("forwarder", "subjectAltName=DNS:forwarder.falco.svc")
    (folder / "token").write_text(TOKEN)
    (folder / "playbook.yaml").write_text(LABEL)
    dashboard = Part(folder, "dashboard", authority, [BUILD / "dashboard/tercel-dashboard"])
    responder = Part(folder, "responder", authority, [BUILD / "responder/tercel-responder", "-c", folder / "responder.yaml"])
    forwarder = Part(folder, "forwarder", authority, [BUILD / "forwarder/tercel-forwarder", "-c", folder / "forwarder.yaml"])
    (folder / "forwarder.yaml").write_text(json.dumps({
        "listenaddress": "127.0.0.1", "listenport": forwarder.port, "tokenfile": f"{folder}/token",
        "tlsserver": {"deploy": True, "certfile": authority.forwarder_crt, "keyfile": authority.forwarder_key},
        "tlsclient": {"cacertfile": authority.ca_crt},
        "webui": {"url": f"https://127.0.0.1:{dashboard.port}", "token": TOKEN},
        "talon": {"address": f"https://127.0.0.1:{responder.port}", "token": TOKEN}}))
    (folder / "responder.yaml").write_text(json.dumps({
        "listen_address": "127.0.0.1", "listen_port": responder.port, "rules_files": [f"{folder}/playbook.yaml"],
        "dry_run": False, "token_file": f"{folder}/token", "state": f"{folder}/responder", "kubeconfig": str(api.kubeconfig),
        "tls": {"cert_file": authority.server_crt, "key_file": authority.server_key},
        # By its address the forwarder's certificate names somebody else: results are to be seen as refused.
        "forwarder": {"url": f"https://127.0.0.1:{forwarder.port}", "token_file": f"{folder}/token", "ca_file": authority.ca_crt}}))
    try:
        dashboard.start("--listen", f"127.0.0.1:{dashboard.port}", "--state", folder / "dashboard", "-u", USER,
                        "--token-file", folder / "token", "--tls-cert", authority.server_crt, "--tls-key", authority.server_key,
                        "--forwarder", f"https://127.0.0.1:{forwarder.port}", "--forwarder-ca", authority.ca_crt,
                        "--forwarder-name", "forwarder.falco.svc")
        responder.start()
        forwarder.start("--state", folder / "forwarder")
        yield dashboard, forwarder, responder, authority
    except AssertionError as why:
        logs = "\n".join(path.read_text() for path in folder.glob("*.log"))
        raise AssertionError(f"{why}\n{logs}") from None
    finally:
        for part in (forwarder, responder, dashboard):
            if hasattr(part, "process"):
                part.stop()
        shutil.rmtree(folder, ignore_errors=True)


def shown(dashboard, path):
    return json.loads(dashboard.ask(path, login="Basic " + base64.b64encode(USER.encode()).decode())[1])


def test_an_alert_goes_through_all_of_them_and_each_believes_one_authority():
    with FakeApi() as api, parts(api) as (dashboard, forwarder, responder, authority):
        api.add_pod("default", "web-1", uid="u-1")
        tap.equal(forwarder.ask("/", alert(verified=None))[0], 200)
        tap.wait_for("the alert on the dashboard", lambda: shown(dashboard, "/api/v1/events/count")["statistics"]["all"], 60)
        tap.wait_for("the pod's label", lambda: [call for call in api.changes() if call["verb"] == "PATCH"], 60)
        found, = shown(dashboard, "/api/v2/forwarders")["forwarders"]
        tap.equal((found["error"], {one["name"] for one in found["outputs"]}), (None, {"webui", "talon"}),
                  "the forwarder is known by the name that was given")
        log = tap.wait_for("the refusal of a certificate for somebody else",
                           lambda: [line for line in responder.log.read_text().splitlines() if "127.0.0.1" in line and "certificate" in line
                                    or "SSL" in line], 60)
        tap.equal(len(log) > 0, True)


def test_renewed_certificates_are_shown_without_a_restart():
    with FakeApi() as api, parts(api) as (dashboard, forwarder, responder, authority):
        before = dashboard.certificate()
        tap.equal(responder.certificate(), before)
        authority.sign("next", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        # As a kubelet puts a new Secret in place: the key, and the certificate, by rename.
        for kind in ("key", "crt"):
            os.rename(f"{authority.folder}/next.{kind}", f"{authority.folder}/server.{kind}")
        for part in (dashboard, responder):
            tap.wait_for(f"{part.log.stem}'s new certificate", lambda part=part: part.certificate() != before, 90)
            tap.equal(part.ask("/")[0] in (200, 400), True, "it still answers")


def test_a_certificate_without_its_key_is_one_clear_line():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([BUILD / "dashboard/tercel-dashboard", "--listen", "127.0.0.1:0", "--state", folder, "-u", USER,
                               "--tls-cert", "/nowhere.crt"], capture_output=True, text=True)
        tap.equal(done.returncode, 1)
        tap.equal("/nowhere.crt is of no use without its key" in done.stderr, True, done.stderr)


if __name__ == "__main__":
    tap.main(globals())

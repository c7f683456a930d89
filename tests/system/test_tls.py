# SPDX-License-Identifier: Apache-2.0
"""TLS to what is no HTTP: real servers that ask for a client's certificate. With the right ones alerts arrive, with
another authority's nothing does, and nothing is lost. And mail, which begins TLS by itself."""
import contextlib
import email
import email.policy
import hmac
import json
import os
import pathlib
import shutil
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading

import tap
from stack import free_port
from test_brokers import (RabbitServer, Server, all_of, check_numbers, delivered, mosquitto,
                          post, postgres, run)
from test_forwarder import Forwarder, alert, numbered
from test_outputs import hostile

RULES = numbered(10)


class Authority:
    """Certificates of one's own: ca.crt, server.* for 127.0.0.1, client.* as mutualtlsfilespath wants them."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=authority", "-keyout",
                 "ca.key", "-out", "ca.crt")
        self.sign("server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.sign("client", "subjectAltName=DNS:client")

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def sign(self, name, extension):
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                 f"{name}.csr")
        pathlib.Path(self.folder, f"{name}.ext").write_text(extension + "\n")
        self.run("x509", "-req", "-days", "1", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                 "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def __getattr__(self, name):
        return os.path.join(self.folder, name.replace("_", "."))


@contextlib.contextmanager
def authorities():
    with tempfile.TemporaryDirectory(prefix="tercel-test-") as folder:
        os.chmod(folder, 0o755)
        yield Authority(f"{folder}/right"), Authority(f"{folder}/wrong")


def takes_the_right_and_not_the_wrong(output, right, wrong, read, **settings):
    """Certificates of another authority first: what is kept then arrives with the right ones."""
    with Forwarder(MUTUALTLSFILESPATH=wrong.folder, **{f"{output.upper()}_MUTUALTLS": "true"}, **settings) as one:
        post(one, RULES)
        tap.wait_for("the refusal", lambda: one.output(output)["state"] == "refused")
        tap.equal((one.output(output)["sent"], one.output(output)["dead_letters"]), (0, 0))
        one.stop()
        one.environment["MUTUALTLSFILESPATH"] = right.folder
        one.start()
        delivered(one, output, len(RULES))
        check_numbers(tap.wait_for("all alerts", lambda: all_of(read(), RULES)))


def test_redis_over_mutual_tls():
    port = free_port()
    with authorities() as (right, wrong):
        server = Server("redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1",
                        "--tls-cert-file", right.server_crt, "--tls-key-file", right.server_key, "--tls-ca-cert-file",
                        right.ca_crt, "--tls-auth-clients", "yes", "--requirepass", "secret", port=port)

        def read():
            out = run("redis-cli", "-p", str(port), "--no-auth-warning", "-a", "secret", "--tls", "--cacert",
                      right.ca_crt, "--cert", right.client_crt, "--key", right.client_key, "lrange", "falco", "0", "-1")
            return [json.loads(line) for line in out.splitlines()]

        with server:
            takes_the_right_and_not_the_wrong("redis", right, wrong, read, REDIS_ADDRESS=f"127.0.0.1:{port}",
                                              REDIS_PASSWORD="secret", REDIS_TLS="true")


def test_redis_over_tls_with_a_certificate_that_is_not_looked_at():
    port = free_port()
    with authorities() as (right, _):
        server = Server("redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1",
                        "--tls-cert-file", right.server_crt, "--tls-key-file", right.server_key, "--tls-ca-cert-file",
                        right.ca_crt, "--tls-auth-clients", "no", port=port)
        with server, Forwarder(REDIS_ADDRESS=f"127.0.0.1:{port}", REDIS_TLS="true") as one:
            post(one, RULES)
            tap.wait_for("the refusal", lambda: one.output("redis")["state"] == "refused")
            assert "certificate verify failed" in one.output("redis")["last_error"], one.output("redis")
            one.stop()
            one.environment["REDIS_CHECKCERT"] = "false"
            one.start()
            delivered(one, "redis", len(RULES))


def test_nats_over_mutual_tls():
    port, plain = free_port(), free_port()
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    with authorities() as (right, wrong):
        server = Server("nats-server", "-a", "127.0.0.1", "-p", str(port), "-tlsverify", "-tlscert", right.server_crt,
                        "-tlskey", right.server_key, "-tlscacert", right.ca_crt, "-m", str(plain), port=port,
                        folder=folder)
        with server, subscriber(right, port) as read:
            takes_the_right_and_not_the_wrong("nats", right, wrong, read, NATS_HOSTPORT=f"tls://127.0.0.1:{port}")


@contextlib.contextmanager
def subscriber(right, port):
    """One of NATS who hears what is published while he is there."""
    context = ssl.create_default_context(cafile=right.ca_crt)
    context.load_cert_chain(right.client_crt, right.client_key)
    found = []
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        raw.recv(4096)  # INFO comes before TLS begins
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as one:
            stream = one.makefile("rwb")
            stream.write(b'CONNECT {"verbose":false}\r\nSUB falco.> 1\r\nPING\r\n')
            stream.flush()

            def listen():
                try:
                    for line in stream:
                        words = line.split()
                        if words and words[0] == b"MSG":
                            found.append(json.loads(stream.read(int(words[-1]))))
                        elif words and words[0] == b"PING":
                            stream.write(b"PONG\r\n")
                            stream.flush()
                except (OSError, ValueError):
                    pass

            one.settimeout(120)
            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            yield lambda: list(found)


def test_mqtt_over_mutual_tls():
    port = free_port()
    with authorities() as (right, wrong):
        server = mosquitto(port)
        with open(f"{server.folder}/conf", "a", encoding="utf-8") as conf:
            conf.write(f"cafile {right.ca_crt}\ncertfile {right.server_crt}\nkeyfile {right.server_key}\n"
                       "require_certificate true\n")
        reader = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-u", "u", "-P", "p", "-c", "-i", "reader",
                  "-q", "1", "-t", "falco/events", "--cafile", right.ca_crt, "--cert", right.client_crt, "--key",
                  right.client_key]
        found = []

        def read():
            got = subprocess.run([*reader, "-W", "1"], capture_output=True, text=True, timeout=60)
            found.extend(json.loads(line) for line in got.stdout.splitlines())
            return found

        with server:
            run(*reader, "-E")
            takes_the_right_and_not_the_wrong("mqtt", right, wrong, read, MQTT_BROKER=f"ssl://127.0.0.1:{port}",
                                              MQTT_USER="u", MQTT_PASSWORD="p", MQTT_QOS="1")


def test_rabbitmq_over_mutual_tls():
    port, tls = free_port(), free_port()
    with authorities() as (right, wrong):
        for name in ("server.key", "server.crt", "ca.crt"):
            os.chmod(os.path.join(right.folder, name), 0o644)
        server = RabbitServer(port, f"listeners.ssl.1 = 127.0.0.1:{tls}\nssl_options.cacertfile = {right.ca_crt}\n"
                              f"ssl_options.certfile = {right.server_crt}\nssl_options.keyfile = {right.server_key}\n"
                              "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n")
        with server:  # its library compares names with certificates, not addresses
            takes_the_right_and_not_the_wrong("rabbitmq", right, wrong, server.alerts, RABBITMQ_QUEUE="alerts",
                                              RABBITMQ_URL=f"amqps://guest:guest@localhost:{tls}/")


def test_postgresql_over_mutual_tls():
    port = free_port()
    with authorities() as (right, wrong):
        server = postgres(port)
        data = f"{server.folder}/data"
        for name in ("ca.crt", "server.crt", "server.key"):
            shutil.copy(os.path.join(right.folder, name), data)
            shutil.chown(f"{data}/{name}", "postgres")
        os.chmod(f"{data}/server.key", 0o600)
        with open(f"{data}/postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write("ssl = on\nssl_ca_file = 'ca.crt'\n")
        pathlib.Path(data, "pg_hba.conf").write_text(
            "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n")

        def ask(statement, database="falcosidekick"):
            return run("psql", f"host=127.0.0.1 port={port} user=postgres dbname={database} sslmode=verify-full "
                       f"sslrootcert={right.ca_crt} sslcert={right.client_crt} sslkey={right.client_key}", "-qAtc",
                       statement, env={**os.environ, "PGPASSWORD": "secret"})

        def is_ready():
            try:
                return ask("SELECT 1", "postgres")
            except subprocess.CalledProcessError:
                return False

        def read():
            return [{"rule": rule, "output_fields": {"evt.time": 1622308709082520347, "proc.name": "sh"},
                     "priority": "Warning", "hostname": "node-1", "tags": ["a", "b"]}
                    for rule in ask("SELECT rule FROM falcosidekick_events").splitlines()]

        with server:
            tap.wait_for("PostgreSQL to answer", is_ready)
            ask("CREATE DATABASE falcosidekick", "postgres")
            ask("CREATE TABLE falcosidekick_events (time timestamptz, rule text, priority varchar(20), source text, "
                "output text, tags text, hostname text)")
            takes_the_right_and_not_the_wrong("timescaledb", right, wrong, read, TIMESCALEDB_HOST="127.0.0.1",
                                              TIMESCALEDB_PORT=str(port), TIMESCALEDB_PASSWORD="secret")


def test_kafka_speaks_mutual_tls():
    """Its mock cluster has none: this is who listens in its place, as far as the greeting."""
    with authorities() as (right, wrong):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(right.server_crt, right.server_key)
        context.load_verify_locations(right.ca_crt)
        context.verify_mode = ssl.CERT_REQUIRED
        greetings, refused = [], []

        class Broker(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    with context.wrap_socket(self.request, server_side=True) as one:
                        greetings.append((one.recv(4096)[4:6], one.getpeercert()["subject"]))
                except OSError as why:
                    refused.append(str(why))

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Broker) as server:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            settings = {"KAFKA_HOSTPORT": f"127.0.0.1:{server.server_address[1]}", "KAFKA_TOPIC": "t",
                        "KAFKA_TLS": "true", "KAFKA_MUTUALTLS": "true"}
            with Forwarder(MUTUALTLSFILESPATH=wrong.folder, **settings) as one:
                post(one, RULES)
                tap.wait_for("a handshake that fails", lambda: refused)
                tap.equal(greetings, [])
            with Forwarder(MUTUALTLSFILESPATH=right.folder, **settings) as one:
                post(one, RULES)
                code, subject = tap.wait_for("the greeting", lambda: greetings)[0]
                tap.equal((code, subject), (b"\x00\x12", ((("commonName", "client"),),)), "ApiVersions, and by whom")
            server.shutdown()


class Lines(socketserver.ThreadingTCPServer):
    """What Logstash's tcp input with json_lines is to a sender."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context=None):
        self.found = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    if context:
                        self.request = context.wrap_socket(self.request, server_side=True)
                        self.rfile = self.request.makefile("rb")
                    for line in self.rfile:
                        outer.found.append(json.loads(line))
                except OSError:
                    pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def test_logstash_over_mutual_tls():
    with authorities() as (right, wrong):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(right.server_crt, right.server_key)
        context.load_verify_locations(right.ca_crt)
        context.verify_mode = ssl.CERT_REQUIRED
        with Lines(context) as server:
            takes_the_right_and_not_the_wrong("logstash", right, wrong, lambda: list(server.found),
                                              LOGSTASH_ADDRESS="127.0.0.1",
                                              LOGSTASH_PORT=str(server.server_address[1]))


def test_logstash_gets_names_without_brackets():
    with Lines() as server, Forwarder(LOGSTASH_ADDRESS="127.0.0.1", LOGSTASH_PORT=str(server.server_address[1]),
                                      LOGSTASH_TAGS="x,y") as one:
        tap.equal(one.post(hostile("a rule", 1)), 200)
        event = tap.wait_for("the line", lambda: server.found)[0]
        assert "proc.aname.2" in event["output_fields"] and "proc.aname[2]" not in event["output_fields"], event
        tap.equal(event["output_fields"]["evt.big"], 18446744073709551615)
        assert {"x", "y", "b"} <= set(event["tags"]), event


@contextlib.contextmanager
def mail_server(right, mechanism, starttls=True):
    """aiosmtpd, which takes mails from those alone who log in as they should."""
    try:
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, LoginPassword
    except ImportError:
        tap.skip("python3-aiosmtpd is not installed")
    mails = []

    class Handler:
        async def handle_DATA(self, _server, _session, envelope):
            mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 taken"

        async def auth_CRAM__MD5(self, server, _args):
            challenge = b"<1@tercel>"
            answer = await server.challenge_auth(challenge.decode(), encode_to_b64=True)
            wanted = b"u " + hmac.new(b"p w", challenge, "md5").hexdigest().encode()
            return AuthResult(success=answer == wanted, handled=answer == wanted)

        async def auth_OAUTHBEARER(self, server, _args):
            is_right = b"\x01auth=Bearer to.ken\x01" in await server.challenge_auth("")
            return AuthResult(success=is_right, handled=is_right)

        async def handle_RCPT(self, _server, _session, envelope, address, _options):
            if address.startswith("nobody"):
                return "550 no such user here"
            envelope.rcpt_tos.append(address)
            return "250 fine"

    def authenticate(_server, _session, _envelope, used, data):
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"u", b"p w")
        is_right = is_right and used.upper() == mechanism.upper()
        return AuthResult(success=is_right, handled=is_right)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(right.server_crt, right.server_key)
    port = free_port()
    controller = Controller(Handler(), hostname="127.0.0.1", port=port, tls_context=tls if starttls else None,
                            require_starttls=starttls, authenticator=authenticate, auth_required=True,
                            auth_require_tls=starttls,
                            auth_exclude_mechanism=[m for m in ("PLAIN", "LOGIN") if m != mechanism.upper()])
    controller.start()
    try:
        yield port, mails
    finally:
        controller.stop()


def mail_settings(port, right, mechanism):
    return {"SMTP_HOSTPORT": f"127.0.0.1:{port}", "SMTP_FROM": "falco@example.org",
            "SMTP_TO": "a@example.org,b@example.org", "SMTP_USER": "u", "SMTP_PASSWORD": "p w",
            "SMTP_AUTHMECHANISM": mechanism, "TLSCLIENT_CACERTFILE": right.ca_crt}


def test_mail_logs_in_by_challenge_and_by_token():
    with authorities() as (right, _):
        for mechanism, more in (("cram-md5", {}), ("oauthbearer", {"SMTP_TOKEN": "to.ken"})):
            with mail_server(right, mechanism) as (port, mails), \
                    Forwarder(**mail_settings(port, right, mechanism), **more) as one:
                tap.equal(one.post(alert("a rule")), 200)
                delivered(one, "smtp", 1)
                tap.equal(len(mails), 1, mechanism)


def test_mail_goes_over_starttls_with_each_login_and_cannot_be_broken():
    with authorities() as (right, _):
        for mechanism in ("plain", "login"):
            with mail_server(right, mechanism) as (port, mails), \
                    Forwarder(**mail_settings(port, right, mechanism)) as one:
                tap.equal(one.post([hostile("a rule\r\nBcc: evil@example.org", 1), alert("plain")]), 200)
                delivered(one, "smtp", 2)
                sender, recipients, content = mails[0]
                tap.equal((sender, recipients), ("falco@example.org", ["a@example.org", "b@example.org"]))
                mail = email.message_from_bytes(content, policy=email.policy.default)
                assert mail["Subject"].startswith('[Warning] 1: a "quote", a back'), mail["Subject"]
                tap.equal((mail["Bcc"], mail["Date"]), (None, "Tue, 24 Nov 2026 10:00:01 +0000"))
                assert max(len(line) for line in content.split(b"\r\n")) <= 78, "lines are short"
                assert b"\n" not in content.replace(b"\r\n", b"") and b"\r" not in content.replace(b"\r\n", b"")
                text = mail.get_body(("plain",)).get_content()
                assert "evt.big: 18446744073709551615" in text and "\nBcc" not in text, text
                html = mail.get_body(("html",)).get_content()
                assert "&lt;b&gt;" in html and "<b>," not in html, html


def test_mail_that_nobody_takes_waits_and_is_told():
    with authorities() as (right, wrong):
        with mail_server(right, "plain") as (port, mails):
            settings = mail_settings(port, wrong, "plain")
            with Forwarder(**settings) as one:  # a certificate of somebody else
                post(one, RULES)
                tap.wait_for("the refusal", lambda: one.output("smtp")["state"] == "refused")
                one.stop()
                one.environment["TLSCLIENT_CACERTFILE"] = right.ca_crt
                one.environment["SMTP_PASSWORD"] = "wrong"
                one.start()
                tap.wait_for("the second refusal", lambda: "(535)" in (one.output("smtp")["last_error"] or ""))
                one.stop()
                one.environment["SMTP_PASSWORD"] = "p w"
                one.environment["SMTP_TO"] = "nobody@example.org"
                one.start()
                tap.wait_for("the third refusal", lambda: "550" in (one.output("smtp")["last_error"] or ""))
                tap.equal((mails, one.output("smtp")["dead_letters"]), ([], 0))
                one.stop()
                one.environment["SMTP_TO"] = "a@example.org"
                one.start()
                delivered(one, "smtp", len(RULES))
                tap.equal(len(mails), len(RULES))


if __name__ == "__main__":
    tap.main({name: run_ for name, run_ in globals().items() if getattr(run_, "__module__", "") == __name__})

# SPDX-License-Identifier: Apache-2.0
"""Outputs that are no HTTP, against the real servers: each started here, with a folder and a port of its own,
stopped while alerts come, and started again. What it has in the end is all that was sent."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.request

import tap
from stack import BUILD, free_port
from test_forwarder import Forwarder, alert, numbered

BEFORE, DURING, AFTER = numbered(20), numbered(20, 20), numbered(20, 40)


class Server:
    """A real server: with Server("redis-server", "--port", …) as one. `port` answers when it is up."""

    programs = ["/usr/sbin", "/usr/lib/postgresql/15/bin"]

    def __init__(self, *command, port, folder=None, environment=None, user=None):
        self.command, self.port, self.environment, self.user = command, port, environment or {}, user
        self.folder = folder or tempfile.mkdtemp(prefix="tercel-server-")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def start(self):
        path = ":".join([os.environ["PATH"], *self.programs])
        program = shutil.which(self.command[0], path=path)
        if not program:
            tap.skip(f"{self.command[0]} is not installed")
        with open(self.log(), "ab") as log:
            self.process = subprocess.Popen([program, *self.command[1:]], cwd=self.folder, stdout=log, stderr=log,
                                            env={**os.environ, "PATH": path, "HOME": self.folder, **self.environment},
                                            user=self.user, start_new_session=True)
        tap.wait_for(f"{self.command[0]} to listen", self.answers, 60)

    def log(self):
        return os.path.join(self.folder, "server.log")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.command[0]} ended:\n" + pathlib.Path(self.log()).read_text(errors="replace"))
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            return True
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, how)
            self.process.wait(60)

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, **more).stdout


def post(one, rules):
    tap.equal(one.post("\n".join(json.dumps(alert(rule)) for rule in rules)), 200)


def delivered(one, output, count):
    tap.wait_for(f"{count} alerts to be sent\n{one.logged()}", lambda: one.output(output)["sent"] >= count, 60)


def check_numbers(alerts):
    """Each alert whole, as the forwarder took it, and its numbers unrounded."""
    for one in alerts:
        tap.equal(one["output_fields"], {"evt.time": 1622308709082520347, "proc.name": "sh"})
        tap.equal((one["priority"], one["hostname"], one["tags"]), ("Warning", "node-1", ["a", "b"]))


def outage(output, server, settings, read, how=signal.SIGTERM, acknowledges=True):
    """Alerts before, while the server is down, and after; `read()` gives those that it has. What a
    server that acknowledges nothing has not read when it is stopped is nobody's any more."""
    with server, Forwarder(**settings) as one:
        post(one, BEFORE)
        delivered(one, output, len(BEFORE))
        if not acknowledges:
            tap.wait_for("the first to be read", lambda: all_of(read(), BEFORE))
        server.stop(how)
        post(one, DURING)
        tap.wait_for("the output to be told down", lambda: one.output(output)["state"] != "ok")
        assert one.output(output)["last_error"], one.output(output)
        server.start()
        post(one, AFTER)
        delivered(one, output, len(BEFORE + DURING + AFTER))
        wanted = BEFORE + DURING + AFTER
        got = tap.wait_for("all alerts to be there", lambda: all_of(read(), wanted))
        check_numbers(got)
        tap.equal(one.output(output)["dead_letters"], 0)


def all_of(alerts, rules):
    """The alerts, when all rules are among them."""
    return alerts if {one["rule"] for one in alerts} >= set(rules) else None


def rsyslog(port, protocol="tcp"):
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    pathlib.Path(folder, "rsyslog.conf").write_text(f"""
global(workDirectory="{folder}" maxMessageSize="2m")
module(load="im{protocol}")
input(type="im{protocol}" port="{port}" address="127.0.0.1")
template(name="parsed" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="program" name="programname" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" date.inUTC="on" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
action(type="omfile" file="{folder}/alerts" template="parsed" asyncWriting="off")
""", encoding="utf-8")
    return Server("rsyslogd", "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/pid", port=port, folder=folder)


def lines(server):
    path = pathlib.Path(server.folder, "alerts")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def messages(server):
    return [json.loads(line["message"].strip()) for line in lines(server)]


def test_syslog_in_the_old_form_loses_nothing_while_its_server_is_down():
    port = free_port()
    server = rsyslog(port)
    outage("syslog", server, {"SYSLOG_HOST": "127.0.0.1", "SYSLOG_PORT": str(port)}, lambda: messages(server),
           acknowledges=False)


def test_rsyslog_understands_both_headers():
    for header in ("rfc3164", "rfc5424"):
        port = free_port()
        with rsyslog(port) as server, Forwarder(SYSLOG_HOST="127.0.0.1", SYSLOG_PORT=str(port), SYSLOG_HEADER=header,
                                                SYSLOG_FACILITY="local3") as one:
            post(one, ["a rule"])
            line = tap.wait_for("a line", lambda: lines(server))[0]
            tap.equal((line["pri"], line["host"], line["program"]), (str(19 * 8 + 4), "node-1", "falco"), header)
            assert line["time"].startswith("2021-05-29T17:18:29.082520+"), line
            check_numbers(messages(server))


def test_syslog_cef_cannot_be_broken_by_what_an_attacker_writes():
    port = free_port()
    with rsyslog(port) as server, Forwarder(SYSLOG_HOST="127.0.0.1", SYSLOG_PORT=str(port), SYSLOG_FORMAT="cef") as one:
        post(one, ["a|b\\c=d\ne"])
        message = tap.wait_for("a line", lambda: lines(server))[0]["message"]
        assert message.strip().startswith(
            "CEF:0|Falcosecurity|Falco|1.0|Falco Event|a\\|b\\\\c=d e|6|uuid="), message
        assert "c\\=d\\ne source=syscall hostname=node-1 " in message, message
        assert message.endswith("tags=a,b"), message


def test_syslog_over_udp_arrives_and_what_no_datagram_holds_is_a_dead_letter():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)
        with Forwarder(SYSLOG_HOST="127.0.0.1", SYSLOG_PORT=str(receiver.getsockname()[1]),
                       SYSLOG_PROTOCOL="udp") as one:
            tap.equal(one.post(alert("long", output_fields={str(i): "x" * 400 for i in range(300)})), 200)
            post(one, ["short"])
            line = receiver.recv(65536).decode()
            assert line.startswith("<4>2021-05-29T17:18:29.082520Z node-1 falco: {"), line
            tap.equal(json.loads(line.split(": ", 1)[1])["rule"], "short")
            tap.wait_for("the dead letter", lambda: one.output("syslog")["dead_letters"] == 1)


def redis(port):
    return Server("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync",
                  "always", "--requirepass", "secret", port=port)


def redis_ask(port, *command):
    out = run("redis-cli", "-p", str(port), "--no-auth-warning", "-a", "secret", *command)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def test_redis_lists_lose_nothing_while_their_server_is_down():
    port = free_port()
    outage("redis", redis(port), {"REDIS_ADDRESS": f"127.0.0.1:{port}", "REDIS_PASSWORD": "secret",
                                  "REDIS_DATABASE": "3"},
           lambda: redis_ask(port, "-n", "3", "lrange", "falco", "0", "-1"), signal.SIGKILL)


def test_redis_hashes_have_each_alert_once_under_its_uuid():
    port = free_port()
    with redis(port), Forwarder(REDIS_ADDRESS=f"127.0.0.1:{port}", REDIS_PASSWORD="secret",
                                REDIS_STORAGETYPE="hashmap", REDIS_KEY="alerts") as one:
        post(one, BEFORE)
        delivered(one, "redis", len(BEFORE))
        alerts = redis_ask(port, "hvals", "alerts")
        tap.equal(sorted(one["rule"] for one in alerts), sorted(BEFORE))
        for event in alerts:
            tap.equal(redis_ask(port, "hget", "alerts", event["uuid"]), [event])


def test_a_wrong_password_of_redis_loses_nothing_and_is_told():
    port = free_port()
    with redis(port), Forwarder(REDIS_ADDRESS=f"127.0.0.1:{port}", REDIS_PASSWORD="wrong") as one:
        post(one, BEFORE)
        tap.wait_for("the refusal", lambda: one.output("redis")["state"] == "refused")
        assert "WRONGPASS" in one.output("redis")["last_error"], one.output("redis")
        tap.equal(one.output("redis")["dead_letters"], 0)
        one.stop()
        one.environment["REDIS_PASSWORD"] = "secret"
        one.start()
        delivered(one, "redis", len(BEFORE))
        tap.equal([event["rule"] for event in redis_ask(port, "lrange", "falco", "0", "-1")], BEFORE)


class KafkaMock:
    """Looks like a Server to outage()."""

    def __init__(self):
        program = BUILD / "tests/kafka-mock"
        if not program.exists():
            tap.skip("kafka-mock was not built")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.brokers = self.process.stdout.readline().strip()
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def tell(self, word):
        known = self.lines.count("ok")
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        tap.wait_for("the mock cluster to obey", lambda: self.lines.count("ok") > known)

    def stop(self, _how=None):
        self.tell("down")

    def start(self):
        self.tell("up")

    def alerts(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.reader.join(30)


def test_kafka_loses_nothing_while_its_broker_is_down():
    mock = KafkaMock()
    outage("kafka", mock, {"KAFKA_HOSTPORT": mock.brokers, "KAFKA_TOPIC": "alerts"}, mock.alerts)


def nats_ask(port, subject, body=""):
    """A request and its answer in NATS' own protocol (docs.nats.io, Client Protocol)."""
    with socket.create_connection(("127.0.0.1", port), 20) as one:
        stream = one.makefile("rwb")
        stream.readline()  # INFO
        text = body.encode()
        stream.write(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\nPUB %s answer %d\r\n%s\r\n'
                     % (subject.encode(), len(text), text))
        stream.flush()
        while True:
            line = stream.readline().split()
            if line[0] == b"PING":
                stream.write(b"PONG\r\n")
                stream.flush()
            elif line[0] == b"MSG":
                return json.loads(stream.read(int(line[-1])))


def nats_alerts(port):
    state = nats_ask(port, "$JS.API.STREAM.INFO.alerts")["state"]
    messages = [nats_ask(port, "$JS.API.STREAM.MSG.GET.alerts", json.dumps({"seq": i}))["message"]
                for i in range(1, state["messages"] + 1)]
    for one in messages:
        assert re.fullmatch(r"falco\.warning\.rule_\d+", one["subject"]), one
    return [json.loads(base64.b64decode(one["data"])) for one in messages]


class NatsServer(Server):
    """With a stream that keeps what is published."""

    def __enter__(self):
        super().__enter__()
        answer = tap.wait_for("the stream", lambda: nats_ask(
            self.port, "$JS.API.STREAM.CREATE.alerts", json.dumps({"name": "alerts", "subjects": ["falco.>"]})))
        assert "error" not in answer, answer
        return self


def test_nats_loses_nothing_while_its_server_is_down():
    port = free_port()
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    outage("nats", NatsServer("nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder, port=port,
                              folder=folder),
           {"NATS_HOSTPORT": f"nats://127.0.0.1:{port}"}, lambda: nats_alerts(port))


def test_a_user_of_nats_who_may_not_publish_loses_nothing_and_is_told():
    port = free_port()
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    pathlib.Path(folder, "conf").write_text(
        'authorization { users = [ { user: u, password: p, permissions: { publish: { deny: ">" } } } ] }')
    with Server("nats-server", "-a", "127.0.0.1", "-p", str(port), "-c", "conf", port=port, folder=folder), \
            Forwarder(NATS_HOSTPORT=f"nats://u:p@127.0.0.1:{port}") as one:
        post(one, BEFORE)
        tap.wait_for("the refusal", lambda: one.output("nats")["state"] == "refused")
        assert "ermission" in one.output("nats")["last_error"], one.output("nats")
        tap.equal((one.output("nats")["sent"], one.output("nats")["dead_letters"]), (0, 0))


def postgres(port):
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    shutil.chown(folder, "postgres")
    server = Server("postgres", "-D", f"{folder}/data", "-p", str(port), "-h", "127.0.0.1", "-k", folder, port=port,
                    folder=folder, user="postgres")
    initdb = shutil.which("initdb", path=":".join(Server.programs))
    if not initdb:
        tap.skip("postgresql is not installed")
    pathlib.Path(folder, "password").write_text("secret")
    shutil.chown(f"{folder}/password", "postgres")
    run(initdb, "-D", f"{folder}/data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", f"{folder}/password",
        "--no-sync", "-E", "UTF8", "--locale=C", user="postgres", cwd=folder)
    return server


def psql(port, statement, database="falcosidekick"):
    return run("psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-d", database, "-qAtc", statement,
               env={**os.environ, "PGPASSWORD": "secret"})


def postgres_ready(port):
    try:
        return psql(port, "SELECT 1", "postgres") == "1\n"
    except subprocess.CalledProcessError:
        return False


class PostgresServer:
    def __init__(self, port):
        self.port, self.server = port, postgres(port)

    def __enter__(self):
        self.start()
        psql(self.port, "CREATE DATABASE falcosidekick", "postgres")
        psql(self.port, """CREATE TABLE falcosidekick_events (time timestamptz, rule text, priority varchar(20),
            source varchar(20), output text, tags text, hostname text, "evt.time" numeric, "proc.name" text)""")
        return self

    def start(self):
        self.server.start()
        tap.wait_for("PostgreSQL to answer", lambda: postgres_ready(self.port))

    def stop(self, _how=None):
        self.server.stop(signal.SIGINT)  # its fast shutdown

    def __exit__(self, *_):
        self.server.stop(signal.SIGINT)
        self.server.__exit__()


def rows(port):
    found = []
    for line in psql(port, "SELECT row_to_json(t) FROM falcosidekick_events t").splitlines():
        row = json.loads(line)
        row["output_fields"] = {"evt.time": row["evt.time"], "proc.name": row["proc.name"]}
        row["tags"] = row["tags"].split(",")
        found.append(row)
    return found


def test_timescaledb_loses_nothing_while_its_server_is_down():
    port = free_port()
    outage("timescaledb", PostgresServer(port), {
        "TIMESCALEDB_HOST": "127.0.0.1", "TIMESCALEDB_PORT": str(port), "TIMESCALEDB_PASSWORD": "secret",
        "TIMESCALEDB_FIELDS": "evt.time,proc.name"}, lambda: rows(port))


def test_an_alert_that_postgresql_refuses_is_a_dead_letter_and_the_others_arrive():
    port = free_port()
    with PostgresServer(port), Forwarder(TIMESCALEDB_HOST="127.0.0.1", TIMESCALEDB_PORT=str(port),
                                         TIMESCALEDB_PASSWORD="secret") as one:
        events = [alert("one"), alert("two", source="x" * 21), alert("'); DROP TABLE falcosidekick_events; --")]
        tap.equal(one.post("\n".join(json.dumps(event) for event in events)), 200)
        tap.wait_for("the dead letter", lambda: one.output("timescaledb")["dead_letters"] == 1)
        delivered(one, "timescaledb", 2)
        tap.equal(psql(port, "SELECT rule FROM falcosidekick_events ORDER BY rule").splitlines(),
                  ["'); DROP TABLE falcosidekick_events; --", "one"])
        _, reason, body = one.dead_letters()[0]
        assert "22001: value too long" in reason, reason
        tap.equal(json.loads(body)["rule"], "two")


def mosquitto(port):
    folder = tempfile.mkdtemp(prefix="tercel-server-")
    pathlib.Path(folder, "conf").write_text(f"""
listener {port} 127.0.0.1
password_file {folder}/passwords
allow_anonymous false
user root
persistence true
persistence_location {folder}/
max_queued_messages 0
""")
    server = Server("mosquitto", "-c", f"{folder}/conf", port=port, folder=folder)
    passwd = shutil.which("mosquitto_passwd")
    if not passwd:
        tap.skip("mosquitto is not installed")
    run(passwd, "-b", "-c", f"{folder}/passwords", "u", "p")
    return server


class MosquittoReader:
    """A subscriber whom the broker remembers while he is away."""

    def __init__(self, port):
        self.command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-u", "u", "-P", "p", "-c", "-i",
                        "reader", "-q", "1", "-t", "falco/events"]
        self.found = []

    def subscribe(self):
        run(*self.command, "-E")

    def read(self):
        got = subprocess.run([*self.command, "-W", "1"], capture_output=True, text=True, timeout=60)
        self.found += [json.loads(line) for line in got.stdout.splitlines()]
        return self.found


class MosquittoServer:
    def __init__(self, port):
        self.server, self.reader = mosquitto(port), MosquittoReader(port)

    def __enter__(self):
        self.server.start()
        self.reader.subscribe()
        return self

    def start(self):
        self.server.start()

    def stop(self, how=signal.SIGTERM):
        self.server.stop(how)

    def __exit__(self, *_):
        self.server.__exit__()


def test_mqtt_loses_nothing_while_its_broker_is_down():
    port = free_port()
    server = MosquittoServer(port)
    outage("mqtt", server, {"MQTT_BROKER": f"tcp://127.0.0.1:{port}", "MQTT_USER": "u", "MQTT_PASSWORD": "p"},
           server.reader.read)


def test_a_wrong_password_of_mqtt_loses_nothing_and_is_told():
    port = free_port()
    with mosquitto(port), Forwarder(MQTT_BROKER=f"127.0.0.1:{port}", MQTT_USER="u", MQTT_PASSWORD="wrong") as one:
        post(one, BEFORE)
        tap.wait_for("the refusal", lambda: one.output("mqtt")["state"] == "refused")
        assert "not authorised" in one.output("mqtt")["last_error"], one.output("mqtt")
        tap.equal((one.output("mqtt")["sent"], one.output("mqtt")["dead_letters"]), (0, 0))


class RabbitServer:
    """RabbitMQ with its management, by which a queue is made and read."""

    def __init__(self, port, more=""):
        folder = tempfile.mkdtemp(prefix="tercel-server-")
        self.port, self.management, epmd = port, free_port(), free_port()
        pathlib.Path(folder, "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\nmanagement.tcp.port = {self.management}\n"
            f"management.tcp.ip = 127.0.0.1\n{more}")
        pathlib.Path(folder, "plugins").write_text("[rabbitmq_management].\n")
        environment = {
            "ERL_EPMD_PORT": str(epmd), "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODENAME": "tercel@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_MNESIA_BASE": f"{folder}/db",
            "RABBITMQ_LOG_BASE": f"{folder}/log", "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins", "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_START_ARGS": "-start_epmd false", "RABBITMQ_CONF_ENV_FILE": "/dev/null"}
        self.names = Server("epmd", "-port", str(epmd), "-address", "127.0.0.1", port=epmd)
        self.server = Server("/usr/lib/rabbitmq/bin/rabbitmq-server", port=port, folder=folder,
                             environment=environment)

    def __enter__(self):
        self.names.start()
        self.start()
        self.ask("PUT", "/api/queues/%2F/alerts", {"durable": True})
        return self

    def start(self):
        self.server.start()
        tap.wait_for("the management", self.is_up, 60)

    def is_up(self):
        try:
            return self.ask("GET", "/api/vhosts")
        except OSError:
            return False

    def ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}{path}", method=method,
                                         data=json.dumps(body).encode() if body else None)
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    def alerts(self):
        got = self.ask("POST", "/api/queues/%2F/alerts/get",
                       {"count": 1000, "ackmode": "ack_requeue_true", "encoding": "auto"})
        return [json.loads(one["payload"]) for one in got]

    def stop(self, how=signal.SIGTERM):
        self.server.stop(how)

    def __exit__(self, *_):
        self.server.__exit__()
        self.names.__exit__()


def test_rabbitmq_loses_nothing_while_its_broker_is_killed():
    port = free_port()
    server = RabbitServer(port)
    outage("rabbitmq", server, {"RABBITMQ_URL": f"amqp://guest:guest@127.0.0.1:{port}/", "RABBITMQ_QUEUE": "alerts"},
           server.alerts, signal.SIGKILL)


if __name__ == "__main__":
    tap.main({name: run_ for name, run_ in globals().items() if getattr(run_, "__module__", "") == __name__})

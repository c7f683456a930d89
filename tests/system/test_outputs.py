# SPDX-License-Identifier: Apache-2.0
"""Outputs against the servers that they are for, as Debian has them, and against their answers."""
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import tap
from stack import free_port
from test_forwarder import Forwarder, Receiver, alert, numbered

HOSTILE = 'a "quote", a back\\slash, <b>, *_~`>#+-=|{}.! é\u2028😀 \x00 x\\'
FIELDS = {"evt.time": 1622308709082520347, "evt.big": 18446744073709551615, "fd.name": "/tmp/a b,c=d\\\r\ne\\",
          "proc.aname[2]": HOSTILE, "proc.args": "long " * 2000, "proc.name": HOSTILE, "__odd-é": "v", "9": "digit",
          "none": None, "list": [1, 2]}


def hostile(rule, number):
    return alert(rule, output=f"{number}: {HOSTILE}", source=HOSTILE, hostname=HOSTILE, tags=[HOSTILE, "b"],
                 output_fields=FIELDS, time=f"2026-11-24T10:00:0{number}.123456789Z")


def get_json(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@contextlib.contextmanager
def server(program, write_config, command, ready):
    """A server of Debian's with a folder of its own, which ends with the test."""
    if not shutil.which(program):
        tap.skip(f"{program} is not installed")
    with tempfile.TemporaryDirectory(prefix="tercel-test-") as folder, \
            open(os.path.join(folder, "log"), "wb") as log:
        write_config(pathlib.Path(folder))
        process = subprocess.Popen([program, *command(folder)], stdout=log, stderr=log)

        def answers():
            if process.poll() is not None:
                raise AssertionError(pathlib.Path(folder, "log").read_text(errors="replace"))
            try:
                with urllib.request.urlopen(ready, timeout=5):
                    return True
            except (OSError, urllib.error.URLError):
                return False

        try:
            tap.wait_for(f"{program} to answer", answers, 60)
            yield
        finally:
            process.terminate()
            process.wait(30)


def drained(one, name):
    tap.wait_for(f"an empty queue of {name}", lambda: one.output(name)["queued"] == 0)
    tap.equal(one.dead_letters(), [], "dead letters")


def test_alertmanager_takes_hostile_alerts_and_shows_them():
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    def write(folder):
        (folder / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")

    def command(folder):
        return [f"--config.file={folder}/am.yml", f"--storage.path={folder}", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{port}"]

    with server("prometheus-alertmanager", write, command, f"{url}/-/ready"), \
            Forwarder(ALERTMANAGER_HOSTPORT=url) as one:
        tap.equal(one.post([hostile("a rule", 1), hostile(HOSTILE, 2), alert("plain")]), 200)
        drained(one, "alertmanager")
        found = {a["labels"]["rule"]: a for a in get_json(f"{url}/api/v2/alerts")}
        tap.equal(sorted(found), sorted(["a rule", HOSTILE.replace("\x00", " "), "plain"]))
        labels = found["a rule"]["labels"]
        tap.equal(labels["evt_time"], "1622308709082520347")
        tap.equal(labels["evt_big"], "18446744073709551615")
        tap.equal(labels["fd_name"], FIELDS["fd.name"])
        tap.equal(labels["_9"], "digit")
        tap.equal(labels["severity"], "warning")
        tap.equal(found["plain"]["annotations"]["summary"], "plain")


def test_influxdb_takes_hostile_alerts_and_keeps_each():
    port, rpc = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"

    def write(folder):
        (folder / "influxdb.conf").write_text(f"""reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
""")

    with server("influxd", write, lambda folder: ["run", "-config", f"{folder}/influxdb.conf"], f"{url}/ping"):
        def query(text):
            return get_json(f"{url}/query?" + urllib.parse.urlencode({"db": "falco", "q": text, "epoch": "ns"}))

        urllib.request.urlopen(f"{url}/query", urllib.parse.urlencode({"q": "CREATE DATABASE falco"}).encode())
        with Forwarder(INFLUXDB_HOSTPORT=url, CUSTOMFIELDS="team:sec ops") as one:
            # Same tags, other times: each must stay; and one that is sent twice is there once.
            tap.equal(one.post([hostile("a rule", n) for n in (1, 2, 3)] + [hostile(HOSTILE, 4), alert("plain")]), 200)
            tap.equal(one.post(hostile("a rule", 1)), 200)
            drained(one, "influxdb")
        series = query("SELECT * FROM events")["results"][0]["series"][0]
        rows = [dict(zip(series["columns"], values)) for values in series["values"]]
        tap.equal(len(rows), 5)
        first = next(row for row in rows if row["value"].startswith("1: "))
        tap.equal(first["time"], 1795514401123456789, "2026-11-24T10:00:01.123456789Z")
        tap.equal(first["rule"], "a_rule")
        tap.equal(first["priority"], "Warning")
        tap.equal(first["team"], "sec_ops")
        tap.equal(first["fd.name"], "/tmp/a_b,c=d/__e/")
        assert first["value"].startswith('1: a "quote", a back\\slash, <b>'), first["value"]
        assert "injected" not in series["columns"] and "c" not in series["columns"], series["columns"]


def test_a_wrong_routing_key_keeps_alerts_until_it_is_right():
    def answer(number, _):
        if number < 3:
            return 400, {}, '{"status":"invalid event","errors":["Invalid routing key"]}'
        return 202, {}, '{"status":"success"}'

    receiver = Receiver(answer)
    with Forwarder(PAGERDUTY_ROUTINGKEY="0" * 32, PAGERDUTY_HOST=f"http://127.0.0.1:{receiver.port}") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(3)]), 200)
        tap.wait_for("three incidents", lambda: len(receiver.requests) == 3)
        tap.equal([json.loads(body)["payload"]["class"] for _, body in receiver.requests], numbered(3))
        drained(one, "pagerduty")
        assert "Invalid routing key" in one.logged(), one.logged()
    receiver.close()


def test_a_document_that_a_bulk_refuses_is_a_dead_letter_and_the_others_arrive_once():
    stored = {}

    def answer(_, body):
        lines = [json.loads(line) for line in body.decode().splitlines()]
        items = []
        for action, document in zip(lines[::2], lines[1::2]):
            name = action["create"]["_id"]
            if document["rule"] == "rule 5":
                items.append({"create": {"status": 400, "error": {"type": "document_parsing_exception"}}})
            elif name in stored:
                items.append({"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}})
            else:
                stored[name] = document
                items.append({"create": {"status": 201}})
        failed = any(item["create"]["status"] != 201 for item in items)
        return 200, {"Content-Type": "application/json"}, json.dumps({"errors": failed, "items": items})

    receiver = Receiver(answer)
    with Forwarder(ELASTICSEARCH_HOSTPORT=f"http://127.0.0.1:{receiver.port}",
                   ELASTICSEARCH_BATCHING_ENABLED="true") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(20)]), 200)
        tap.wait_for("an empty queue", lambda: one.output("elasticsearch")["queued"] == 0)
        tap.equal(sorted(document["rule"] for document in stored.values()),
                  sorted(rule for rule in numbered(20) if rule != "rule 5"))
        letters = one.dead_letters()
        tap.equal([json.loads(body)["rule"] for _, _, body in letters], ["rule 5"])
        assert "document_parsing_exception" in letters[0][1], letters
    receiver.close()


def test_outputs_that_take_many_get_many():
    receiver = Receiver(lambda number, _: 503 if number == 1 else 200)
    with Forwarder(LOKI_HOSTPORT=f"http://127.0.0.1:{receiver.port}") as one:
        tap.equal(one.post(alert("first")), 200)
        tap.wait_for("the first failure", lambda: receiver.count >= 1)
        tap.equal(one.post([alert(rule) for rule in numbered(50)]), 200)
        drained(one, "loki")
        streams = [json.loads(body)["streams"] for _, body in receiver.requests]
        tap.equal(sum(len(one) for one in streams), 51)
        assert max(len(one) for one in streams) > 20, [len(one) for one in streams]
    receiver.close()


class Amazon(Receiver):
    """Computes the signature of what it is sent by itself, as Amazon does, and refuses another."""

    def __init__(self, secret):
        super().__init__()
        self.secret = secret
        self.seen = []

    def signature(self, handler, body, names, scope):
        path, _, query = handler.path.partition("?")
        is_s3 = scope.split("/")[2] == "s3"
        lines = [f"{name}:{' '.join(handler.headers[name].split())}" for name in names]
        canonical = "\n".join([handler.command, path if is_s3 else urllib.parse.quote(path, "/-_.~"), query, *lines, "",
                               ";".join(names), hashlib.sha256(body).hexdigest()])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", handler.headers["x-amz-date"], scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + self.secret.encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, to_sign.encode(), "sha256").hex()

    def reply(self, handler, answer, body):
        found = re.fullmatch("AWS4-HMAC-SHA256 Credential=([^/]+)/(.*), SignedHeaders=(.*), Signature=(.*)",
                             handler.headers["Authorization"])
        key, scope, names, signature = found.groups()
        is_right = key == "AKID" and signature == self.signature(handler, body, names.split(";"), scope)
        missing = {"host", "x-amz-date", "content-type"} - set(names.split(";"))
        if is_right and not missing:
            self.seen.append((handler.command, handler.path, scope.split("/")[1:], body))
        super().reply(handler, 200 if is_right and not missing else 403, body)


def test_amazon_computes_the_signatures_that_it_is_sent():
    amazon = Amazon("a/secret")
    url = f"http://127.0.0.1:{amazon.port}"
    with Forwarder(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="a/secret", AWS_REGION="eu-central-1",
                   AWS_S3_ENDPOINT=url, AWS_S3_BUCKET="bucket", AWS_S3_PREFIX="a b/c", AWS_SQS_URL=f"{url}/1/queue",
                   TZ="Asia/Tokyo") as one:
        tap.equal(one.post(hostile("a rule", 1)), 200)
        drained(one, "awss3")
        drained(one, "awssqs")
    seen = {scope[1]: (method, path, scope, body) for method, path, scope, body in amazon.seen}
    tap.equal(sorted(seen), ["s3", "sqs"])
    method, path, scope, body = seen["s3"]
    tap.equal((method, scope), ("PUT", ["eu-central-1", "s3", "aws4_request"]))
    document = json.loads(body)
    tap.equal(path, f"/bucket/a%20b/c/2026-11-24/2026-11-24T10%3A00%3A01.123456789Z-{document['uuid']}.json")
    tap.equal(json.loads(json.loads(seen["sqs"][3])["MessageBody"]), document)
    amazon.close()


if __name__ == "__main__":
    tap.main(globals())

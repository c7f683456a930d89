# SPDX-License-Identifier: Apache-2.0
"""The fault suite: whatever breaks, no acknowledged alert is lost, none is dropped in silence, and what comes twice
carries the same uuid. TERCEL_KILLS (100) says how often the forwarder is killed."""
import http.client
import json
import os
import pathlib
import random
import socket
import subprocess
import tempfile
import threading
import time

import tap
from test_forwarder import PROGRAM, Forwarder, Receiver, alert, numbered

KILLS = int(os.environ.get("TERCEL_KILLS", "100"))


def preloaded(folder, **environment):
    """Environment of a forwarder on a disk and a clock that misbehave."""
    library = os.path.join(folder, "faults.so")
    if not os.path.exists(library):
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library,
                        str(pathlib.Path(__file__).with_name("faults.c"))], check=True)
    linked = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
    sanitizer = [word for word in linked.split() if "san.so" in word and word.startswith("/")]
    return {"LD_PRELOAD": " ".join(sanitizer[:1] + [library]), **environment}


class Ledger:
    """What was acknowledged, by senders that give each alert a uuid of its own and a token that proves who they are."""

    def __init__(self, one, senders=4, batch=8):
        self.one, self.batch = one, batch
        self.acknowledged = set()
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(senders)]
        for thread in self.threads:
            thread.start()

    def run(self, sender):
        number = 0
        connection = None
        while not self.is_over.is_set():
            rules = [f"{sender}/{number + i}" for i in range(1 if sender % 2 else self.batch)]
            number += len(rules)
            body = json.dumps([alert(rule) for rule in rules] if len(rules) > 1 else alert(rules[0]))
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.one.port, timeout=20)
                connection.request("POST", "/", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200 and "Tercel-Durability" not in answer.headers:
                    with self.lock:
                        self.acknowledged.update(rules)
            except (OSError, http.client.HTTPException):
                connection = None  # it was killed
        if connection:
            connection.close()

    def count(self):
        with self.lock:
            return len(self.acknowledged)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def check(self, *receivers):
        """All are there, from dead letters or from each receiver, and repeats have one uuid."""
        letters = {json.loads(body)["rule"] for _, _, body in self.one.dead_letters()}
        for receiver in receivers:
            tap.equal(sorted(self.acknowledged - set(receiver.rules()) - letters)[:5], [], "missing")
            uuids = {}
            for event in receiver.alerts():
                uuids.setdefault(event["rule"], set()).add(event["uuid"])
            tap.equal([rule for rule, found in uuids.items() if len(found) > 1][:5], [], "repeats with another uuid")


def drained(one, name):
    tap.wait_for("an empty queue", lambda: one.output(name)["queued"] == 0, 120)


def test_a_hundred_kills_at_random_points_under_load_lose_nothing():
    chance = random.Random(7)
    receiver = Receiver(lambda number, body: "break" if number % 97 == 0 else 200)
    with Forwarder(WEBUI_URL=receiver.url, DRAIN="60s") as one:
        ledger = Ledger(one)
        try:
            for _ in range(KILLS):
                # The point is random in the work that is done, not in time, so that a slow machine tests as much.
                wanted = ledger.count() + chance.randrange(1, 60)
                tap.wait_for("acknowledged alerts", lambda w=wanted: ledger.count() >= w)
                one.kill()
                one.start()
        finally:
            ledger.stop()
        drained(one, "webui")
        print(f"# {KILLS} kills, {ledger.count()} alerts acknowledged, {len(receiver.rules())} received")
        ledger.check(receiver)
    receiver.close()


def test_each_way_of_failing_delays_or_keeps_and_never_loses():
    is_well = threading.Event()
    refused = {"0/3", "1/5"}

    def rotten(number, body):
        found = json.loads(body).get("event", json.loads(body))
        if found["rule"] in refused:
            return 400, {}, "this one never"
        return 200 if is_well.is_set() or number % 7 == 0 else [401, 429, 500, 503, 403, "break"][number % 6]

    webhook, webui = Receiver(rotten), Receiver(lambda number, body: 200 if is_well.is_set() else "hang")
    with Forwarder(WEBHOOK_ADDRESS=webhook.url, WEBUI_URL=webui.url) as one:
        ledger = Ledger(one, senders=2)
        tap.wait_for("some alerts", lambda: ledger.count() > 40)
        tap.wait_for("some failures", lambda: webhook.count > 5)
        ledger.stop()
        is_well.set()
        webui.released.set()
        for name in ("webhook", "webui"):
            drained(one, name)
        ledger.check(webhook, webui)
        reasons = {json.loads(body)["rule"]: reason for output, reason, body in one.dead_letters() if output == "webhook"}
        for rule in refused & ledger.acknowledged:
            assert "400: this one never" in reasons[rule], reasons
    webhook.close()
    webui.close()


def test_an_array_of_which_one_is_refused_loses_only_that_one():
    def picky(number, body):
        return (400, {}, "no poison here") if b"poison" in body else 200

    receiver = Receiver(picky)
    with Forwarder(LOKI_HOSTPORT=receiver.url) as one:
        rules = numbered(30) + ["poison"] + numbered(30, 30)
        tap.equal(one.post([alert(rule) for rule in rules]), 200)
        drained(one, "loki")
        tap.equal([json.loads(body)["rule"] for _, _, body in one.dead_letters()], ["poison"])
        seen = b"".join(body for _, body in receiver.requests)
        tap.equal([rule for rule in rules if rule != "poison" and rule.encode() not in seen], [])
    receiver.close()


def test_a_receiver_that_comes_back_gets_what_it_missed_in_order():
    is_away = threading.Event()
    receiver = Receiver(lambda number, body: 503 if is_away.is_set() else 200)
    with Forwarder(WEBHOOK_ADDRESS=receiver.url) as one:
        tap.equal(one.post([alert(rule) for rule in numbered(5)]), 200)
        tap.wait_for("five", lambda: receiver.rules() == numbered(5))
        is_away.set()
        tap.equal(one.post([alert(rule) for rule in numbered(20, 5)]), 200)
        tap.wait_for("a refusal", lambda: one.output()["state"] != "ok")
        assert one.output()["last_error"].startswith("503"), one.output()
        one.kill()  # also over a kill
        one.start()
        tap.wait_for("another refusal", lambda: one.output()["state"] != "ok")
        is_away.clear()
        tap.wait_for("the rest", lambda: receiver.rules()[-20:] == numbered(20, 5))
    receiver.close()


def test_a_clock_that_jumps_neither_loses_nor_cuts():
    receiver = Receiver()
    with tempfile.TemporaryDirectory() as folder:
        clock = pathlib.Path(folder, "clock")
        clock.write_text("0", encoding="ascii")
        with Forwarder(WEBHOOK_ADDRESS=receiver.url,
                       **preloaded(folder, TERCEL_CLOCK_FILE=str(clock), JOURNAL_KEEP="1h")) as one:
            ledger = Ledger(one, senders=2)
            for jump in (86400 * 30, -86400 * 3, 0, 3600 * 5):
                clock.write_text(str(jump), encoding="ascii")
                wanted = ledger.count() + 40
                tap.wait_for("more alerts", lambda w=wanted: ledger.count() >= w)
            clock.write_text(str(-86400), encoding="ascii")
            one.kill()
            one.start()
            wanted = ledger.count() + 40
            tap.wait_for("more alerts", lambda: ledger.count() >= wanted)
            ledger.stop()
            drained(one, "webhook")
            ledger.check(receiver)
            tap.equal(one.output()["cut"], 0)
            assert one.output()["oldest_ms"] < 60000, one.output()
    receiver.close()


def test_a_slow_disk_slows_down_and_loses_nothing():
    with tempfile.TemporaryDirectory() as folder:
        for durability in ("disk", "process"):
            receiver = Receiver()
            with Forwarder(WEBUI_URL=receiver.url, DURABILITY=durability,
                           **preloaded(folder, TERCEL_FSYNC_MS="5")) as one:
                begun = time.monotonic()
                ledger = Ledger(one)
                tap.wait_for("alerts", lambda: ledger.count() > 300, 60)
                one.kill()
                one.start()
                wanted = ledger.count() + 300
                tap.wait_for("alerts", lambda w=wanted: ledger.count() > w, 60)
                ledger.stop()
                drained(one, "webui")
                print(f"# {durability}, fsync 5 ms: {ledger.count()} alerts in {time.monotonic() - begun:.1f} s")
                ledger.check(receiver)
            receiver.close()


def test_a_broker_that_hangs_does_not_hold_up_the_end():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with Forwarder(REDIS_ADDRESS=f"127.0.0.1:{silent.getsockname()[1]}", DRAIN="1s") as one:
            tap.equal(one.post(alert()), 200)
            connection, _ = silent.accept()
            begun = time.monotonic()
            tap.equal(one.stop(), 0)
            took = time.monotonic() - begun
            connection.close()
            print(f"# ended after {took:.1f} s")
            assert took < 4, took  # and not only after the call's own 5 s
            one.start()
            tap.equal(one.output("redis")["queued"], 1, "what was not sent waits")


if __name__ == "__main__":
    tap.main(globals())

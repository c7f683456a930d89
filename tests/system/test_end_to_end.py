# SPDX-License-Identifier: Apache-2.0
"""The main job: a shell in a real container, /etc/shadow read in it, and both alerts on the
terminal, at the forwarder, through the dashboard's API and on its page."""
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import uuid

import tap
from containers import Container, need_runc
from stack import SOURCE, Stack, free_port, get, need_root

SHELL = "Terminal shell in container"
SHADOW = "Read sensitive file untrusted"


def container_name():
    return uuid.uuid4().hex


def find(stack, rule, container):
    return [event for event in stack.events(rule=rule)
            if event["output_fields"].get("container.id") == container[:12]]


def alerts_of(stack, container):
    """Both alerts of a container, as the dashboard's API gives them."""
    shell = tap.wait_for("the shell's alert", lambda: find(stack, SHELL, container))[0]
    shadow = tap.wait_for("the alert of /etc/shadow", lambda: find(stack, SHADOW, container))[0]
    return shell, shadow


def check_shell(event, container):
    fields = event["output_fields"]
    tap.equal(event["priority"], "Notice")
    tap.equal(fields["container.id"], container[:12])
    tap.equal(fields["user.name"], "root")
    tap.equal(fields["user.loginuid"], -1)
    tap.equal(fields["proc.name"], "sh")
    tap.equal(fields["proc.pname"], "runc")
    tap.equal(fields["proc.cmdline"], "sh")
    # Pseudo terminals have major 136: pts/0 is 34816.
    tap.equal(fields["proc.tty"] >> 8, 136, "major of the terminal")
    tap.equal(fields["container.image.repository"], None)


def check_shadow(event, container):
    fields = event["output_fields"]
    tap.equal(event["priority"], "Warning")
    tap.equal(fields["container.id"], container[:12])
    tap.equal(fields["fd.name"], "/etc/shadow")
    tap.equal(fields["proc.name"], "cat")
    tap.equal(fields["proc.cmdline"], "cat /etc/shadow")
    tap.equal(fields["proc.pname"], "sh")
    tap.equal(fields["proc.aname[2]"], "runc")
    tap.equal(fields["user.name"], "root")


def test_both_alerts_stand_everywhere():
    need_root()
    need_runc()
    name = container_name()
    with Stack() as up, Container(name) as box:
        shown = box.shell("cat /etc/shadow")
        assert "root:*" in shown, shown
        for rule_words in ("Notice A shell", "Warning Sensitive file"):
            tap.wait_for(f"'{rule_words}' on the terminal", lambda words=rule_words: any(
                words in line and name[:12] in line for line in up.lines))
        shell, shadow = alerts_of(up, name)
        check_shell(shell, name)
        check_shadow(shadow, name)
        assert up.metric("falcosecurity_falcosidekick_inputs_total") >= 2
        # To the nanosecond: the time of the terminal's line is the stored one.
        digits = str(shadow["output_fields"]["evt.time"])
        assert shadow["time"].rstrip("Z").rpartition(".")[2].ljust(9, "0") == digits[-9:], shadow


def test_both_alerts_stand_on_the_page():
    need_root()
    need_runc()
    name = container_name()
    with Stack() as up, Container(name) as box:
        box.shell("cat /etc/shadow")
        alerts_of(up, name)
        result = subprocess.run(
            ["node", str(SOURCE / "tests/system/page.mjs"), "--url", f"http://{up.dashboard}/",
             "--user", up.user, "--password", up.password, "--find", "shell was spawned in",
             "--find", "cat /etc/shadow"],
            capture_output=True, text=True, timeout=180)
        print("\n".join("#   " + line for line in result.stdout.splitlines()))
        assert result.returncode == 0, result.stdout + result.stderr


def test_an_idle_host_and_we_ourselves_give_no_alert():
    need_root()
    with Stack() as up:
        # Reading our own pages and metrics is work for all three programs.
        for _ in range(50):
            up.api("events/count")
            up.metric("falcosecurity_falcosidekick_inputs_total")
        tap.equal(up.events(), [])


def test_ctrl_c_leaves_nothing_behind():
    need_root()
    with Stack() as up:
        pids = [pid for name in ("sensor", "forwarder", "dashboard") for pid in up.pids(name)]
        tap.equal(len(pids), 3, "programs")
        with open(f"/proc/{pids[0]}/environ", encoding="utf-8") as environment:
            notify = next(line for line in environment.read().split("\0") if line.startswith("NOTIFY_SOCKET="))
        folder = os.path.dirname(notify.partition("=")[2])
        assert os.path.isdir(folder)
        tap.equal(up.stop(), 0, "exit status")
        for pid in pids:
            assert not os.path.exists(f"/proc/{pid}"), f"{pid} still runs"
        assert not os.path.exists(folder), os.listdir(folder)


def test_forwarder_and_dashboard_are_not_root():
    need_root()
    with Stack() as up:
        for name in ("forwarder", "dashboard"):
            with open(f"/proc/{up.pids(name)[0]}/status", encoding="ascii") as status:
                lines = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
            assert "0" not in lines["Uid"].split(), lines["Uid"]
            tap.equal(int(lines["CapEff"], 16), 0, "capabilities")
            tap.equal(lines["NoNewPrivs"], "1")


def kill_and_look(victim):
    need_root()
    need_runc()
    name = container_name()
    with Stack() as up, Container(name) as box:
        box.shell("cat /etc/shadow")
        before = {event["uuid"] for event in alerts_of(up, name)}
        old = up.pids(victim)[0]
        os.kill(old, signal.SIGKILL)
        box.run("cat", "/etc/shadow")  # while it is away
        tap.wait_for(f"a new {victim}", lambda: up.pids(victim) not in ([], [old]))
        tap.wait_for("alerts after the new start", lambda: box.shell("cat /etc/shadow")
                     and len(safe_find(up, name)) >= 2, 60)
        after = {event["uuid"] for event in safe_events(up)}
        assert before <= after, "an acknowledged alert is gone"


def safe_events(up):
    try:
        return up.events()
    except OSError:  # it is being started again
        return []


def safe_find(up, name):
    return [e for e in safe_events(up) if e["output_fields"].get("container.id") == name[:12]
            and e["rule"] == SHADOW]


def test_a_killed_sensor_starts_again_and_nothing_is_lost():
    kill_and_look("sensor")


def test_a_killed_forwarder_starts_again_and_nothing_is_lost():
    kill_and_look("forwarder")


def test_a_killed_dashboard_starts_again_and_nothing_is_lost():
    kill_and_look("dashboard")


def test_a_new_start_shows_the_alerts_of_before():
    need_root()
    need_runc()
    name = container_name()
    with Stack() as up:
        with Container(name) as box:
            box.shell("cat /etc/shadow")
            before = sorted(event["uuid"] for event in alerts_of(up, name))
        up.stop()
        up.start()
        tap.equal(sorted(event["uuid"] for event in alerts_of(up, name)), before)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_webhook_gets_the_alerts_too():
    need_root()
    need_runc()
    name = container_name()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.bodies = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["WEBHOOK_ADDRESS"] = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        with Stack() as up, Container(name) as box:
            box.shell("cat /etc/shadow")
            shell, shadow = alerts_of(up, name)
            tap.wait_for("both alerts at the webhook", lambda: {shell["uuid"], shadow["uuid"]}
                         <= {body["uuid"] for body in server.bodies})
            tap.equal({body.get("verified") for body in server.bodies}, {"socket"})
            assert "pong" in get(f"http://{up.forwarder}/ping")
    finally:
        del os.environ["WEBHOOK_ADDRESS"]
        server.shutdown()


def test_a_sensor_beats_at_the_forwarder():
    need_root()
    with Stack("--no-login") as stack:
        tap.wait_for("a beat", lambda: stack.metric("tercel_forwarder_nodes") == 1, 60)
        node = json.loads(get(f"http://{stack.forwarder}/api/nodes"))[0]
        tap.equal((node["hostname"], node["is_silent"]), (os.uname().nodename, False))
        tap.equal(node["verified"], "socket")


def test_the_page_can_ask_whether_alerts_arrive_and_which_nodes_are_heard():
    with Stack() as up:
        def heard():
            one = json.loads(get(f"http://{up.dashboard}/api/v2/forwarders", up.user, up.password))["forwarders"][0]
            return one if one["nodes"] else None

        one = tap.wait_for("the sensor's first beat", heard)
        tap.equal((one["url"], one["error"]), (f"http://{up.forwarder}", None))
        tap.equal([(output["name"], output["state"]) for output in one["outputs"]], [("webui", "ok")])
        tap.equal([(node["verified"], node["is_silent"]) for node in one["nodes"]], [("socket", False)])


def test_the_page_knows_the_responder_and_the_rules_in_use():
    need_root()
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    os.chmod(folder, 0o755)
    playbook = os.path.join(folder, "playbook.yaml")
    rules = os.path.join(folder, "rules.yaml")
    with open(playbook, "w", encoding="utf-8") as file:
        file.write("- rule: Any\n  match: {rules: [None of ours]}\n  actions:\n"
                   "    - {action: Tell, actionner: webhook:post, parameters: {url: 'http://127.0.0.1:1/'}}\n")
    with open(rules, "w", encoding="utf-8") as file:
        file.write("- rule: Mine\n  desc: d\n  condition: evt.type=fchmod and proc.name=no_such\n  output: o\n  priority: DEBUG\n")
    try:
        with Stack("--playbook", playbook, "--responder", f"127.0.0.1:{free_port()}", "--rules", rules) as up:
            def ask(path):
                return json.loads(get(f"http://{up.dashboard}/api/v2/{path}", up.user, up.password))

            answer = tap.wait_for("the responder", lambda: (lambda said: None if said["error"] else said)(ask("responses")))
            tap.equal((answer["is_configured"], answer["dry_run"], answer["responses"]), (True, True, []))
            text, = ask("rule?rule=Mine")["texts"]
            tap.equal((text["file"], text["line"], text["text"].splitlines()[0]), ("rules.yaml", 1, "- rule: Mine"))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    tap.main(globals())

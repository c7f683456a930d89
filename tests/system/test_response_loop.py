# SPDX-License-Identifier: Apache-2.0
"""The whole loop of the seed: a shell in a real container, seen by the sensor, forwarded to the dashboard, Slack,
PagerDuty and a function, answered on the Kubernetes API (one that records), and told on all of them. The responder
hears of it directly, or from the function, which calls back."""
import datetime
import json
import os
import socket
import statistics
import tempfile
import time
import urllib.request
import uuid

import tap
from containers import Container, need_runc
from responder import FakeApi, Receiver, TOKEN
from stack import Stack, free_port, need_root

RULE = """
- rule: Shell in a container
  desc: a shell
  condition: evt.type in (execve, execveat) and proc.name = sh and container.id != host
  output: a shell was started (%proc.cmdline %container.id)
  priority: WARNING
"""
ACTIONS = """
  window: 1ms
  actions:
    - {action: label, actionner: kubernetes:label, parameters: {labels: {suspicious: "true"}}}
    - {action: isolate, actionner: kubernetes:networkpolicy, parameters: {scope: pod, deny: both}}
    - {action: delete, actionner: kubernetes:terminate, parameters: {ignore_standalone_pods: false}}
"""
PLAYBOOK = f"""
- rule: Directly
  match: {{rules: [Shell in a container]}}
  condition: proc.cmdline contains hello
{ACTIONS}
- rule: By the function
  match: {{rules: [Shell in a container], tags: [function]}}
{ACTIONS}
"""
POD = "/api/v1/namespaces/default/pods/web-1"
WORDS = ["hello", "serverless"] * 5


def moment(text):
    head, _, tail = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(head + "+00:00").timestamp() + float(f"0.{tail or 0}")


class Function(Receiver):
    """What a gateway calls: it decides, and hands the alert back to the responder, which knows it by a token."""

    def __init__(self, responder):
        self.responder = responder

    def status(self, post):
        return 202 if post["path"] == "/v2/enqueue" else 200  # PagerDuty's

    def take(self, post):
        one = json.loads(post["body"])
        if post["path"] != "/function" or "serverless" not in one["output_fields"].get("proc.cmdline", ""):
            return
        one["tags"] = [*one.get("tags", []), "function"]
        request = urllib.request.Request(f"http://{self.responder}/", data=json.dumps(one).encode(), method="POST",
                                         headers={"Authorization": f"Bearer {TOKEN}"})
        urllib.request.urlopen(request, timeout=30).close()


def said(receiver, path, words):
    return [post for post in list(receiver.posts) if post["path"].startswith(path) and words in post["body"].decode()]


def test_a_shell_in_a_container_is_answered_on_the_api_and_told_to_everybody():
    need_root()
    need_runc()
    responder = f"127.0.0.1:{free_port()}"
    with FakeApi() as api, Function(responder) as receiver, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chmod(api.folder, 0o755)
        for name, text in (("rules.yaml", RULE), ("playbook.yaml", PLAYBOOK)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        environment = {"KUBECONFIG": str(api.kubeconfig), "TERCEL_RESPONDER_DRY_RUN": "false", "TERCEL_RESPONDER_TOKEN": TOKEN,
                       "CUSTOMFIELDS": "k8s.ns.name:default,k8s.pod.name:web-1", "WEBHOOK_ADDRESS": f"{receiver.url}/function",
                       "SLACK_WEBHOOKURL": f"{receiver.url}/slack", "PAGERDUTY_ROUTINGKEY": "0" * 32,
                       "PAGERDUTY_HOST": receiver.url}
        os.environ.update(environment)
        try:
            with Stack("-r", os.path.join(folder, "rules.yaml"), "--playbook", os.path.join(folder, "playbook.yaml"),
                       "--responder", responder) as up, Container("tercel-loop-" + uuid.uuid4().hex[:12]) as box:
                rounds = [(word, one_round(api, up, box, word, number)) for number, word in enumerate(WORDS)]
            for words in ("Shell in a container", "Response action done"):
                for path in ("/slack", "/v2/enqueue"):
                    tap.wait_for(f"{words} at {path}", lambda: said(receiver, path, words))
        finally:
            for name in environment:
                os.environ.pop(name)
        for word, how in (("hello", "directly"), ("serverless", "by way of a function")):
            delays = [delay for one, delay in rounds if one == word]
            print(f"# from the system call to the first call that changes the pod, {how}: median "
                  f"{statistics.median(delays) * 1000:.0f} ms, worst {max(delays) * 1000:.0f} ms, load {os.getloadavg()[0]:.1f}")


def one_round(api, up, box, word, number):
    uid = f"uid-{number}"
    api.add_pod("default", "web-1", uid=uid, node=socket.gethostname())
    before, began = len(api.of("DELETE", POD)), time.time()
    box.run("sh", "-c", f"echo {word}")
    tap.wait_for("the pod to be deleted", lambda: len(api.of("DELETE", POD)) > before)
    calls = [call for call in api.changes() if uid in str(call["body"]) or uid in call["path"]]
    tap.equal([call["verb"] for call in calls], ["PATCH", "POST", "PATCH", "DELETE"])
    tap.equal(calls[0]["body"]["metadata"]["labels"], {"suspicious": "true"})
    tap.equal(calls[1]["body"]["spec"]["policyTypes"], ["Egress", "Ingress"])
    found = tap.wait_for("the alert and three actions on the dashboard", lambda: (told := up.events()) and len(
        [one for one in told if one["rule"] == "Response action done"]) >= 3 * (number + 1) and told)
    times = [moment(one["time"]) for one in found
             if one["rule"] == "Shell in a container" and word in one["output_fields"]["proc.cmdline"]]
    return calls[0]["time"] - min(one for one in times if one >= began)


if __name__ == "__main__":
    tap.main(globals())

# SPDX-License-Identifier: Apache-2.0
"""The whole loop: a shell in a real container, seen by the sensor, forwarded, answered on the Kubernetes API (one
that records), and told on the dashboard."""
import datetime
import os
import socket
import statistics
import tempfile
import time
import uuid

import tap
from containers import Container, need_runc
from responder import FakeApi
from stack import Stack, free_port, need_root

RULE = """
- rule: Shell in a container
  desc: a shell
  condition: evt.type in (execve, execveat) and proc.name = sh and container.id != host
  output: a shell was started (%proc.cmdline %container.id)
  priority: WARNING
"""
PLAYBOOK = """
- rule: Shell
  match: {rules: [Shell in a container]}
  window: 1ms
  condition: proc.cmdline contains hello
  actions:
    - {action: label, actionner: kubernetes:label, parameters: {labels: {suspicious: "true"}}}
    - {action: isolate, actionner: kubernetes:networkpolicy, parameters: {scope: pod, deny: both}}
    - {action: delete, actionner: kubernetes:terminate, parameters: {ignore_standalone_pods: false}}
"""
POD = "/api/v1/namespaces/default/pods/web-1"
ROUNDS = 5


def moment(text):
    head, _, tail = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(head + "+00:00").timestamp() + float(f"0.{tail or 0}")


def test_a_shell_in_a_container_is_answered_on_the_api_and_told_on_the_dashboard():
    need_root()
    need_runc()
    with FakeApi() as api, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chmod(api.folder, 0o755)
        for name, text in (("rules.yaml", RULE), ("playbook.yaml", PLAYBOOK)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        environment = {"KUBECONFIG": str(api.kubeconfig), "TERCEL_RESPONDER_DRY_RUN": "false",
                       "CUSTOMFIELDS": "k8s.ns.name:default,k8s.pod.name:web-1"}
        os.environ.update(environment)
        try:
            with Stack("-r", os.path.join(folder, "rules.yaml"), "--playbook", os.path.join(folder, "playbook.yaml"),
                       "--responder", f"127.0.0.1:{free_port()}") as up, Container("tercel-loop-" + uuid.uuid4().hex[:12]) as box:
                delays = [one_round(api, up, box, number) for number in range(ROUNDS)]
        finally:
            for name in environment:
                os.environ.pop(name)
        print(f"# from the system call to the first call that changes the pod: median "
              f"{statistics.median(delays) * 1000:.0f} ms, worst {max(delays) * 1000:.0f} ms, load {os.getloadavg()[0]:.1f}")


def one_round(api, up, box, number):
    uid = f"uid-{number}"
    api.add_pod("default", "web-1", uid=uid, node=socket.gethostname())
    before, began = len(api.of("DELETE", POD)), time.time()
    box.run("sh", "-c", "echo hello")
    tap.wait_for("the pod to be deleted", lambda: len(api.of("DELETE", POD)) > before)
    calls = [call for call in api.changes() if uid in str(call["body"]) or uid in call["path"]]
    tap.equal([call["verb"] for call in calls], ["PATCH", "POST", "PATCH", "DELETE"])
    tap.equal(calls[0]["body"]["metadata"]["labels"], {"suspicious": "true"})
    tap.equal(calls[1]["body"]["spec"]["policyTypes"], ["Egress", "Ingress"])
    found = tap.wait_for("the alert and three actions on the dashboard", lambda: (told := up.events()) and len(
        [one for one in told if one["rule"] == "Response action done"]) >= 3 * (number + 1) and told, 30)
    times = [moment(one["time"]) for one in found
             if one["rule"] == "Shell in a container" and "hello" in one["output_fields"]["proc.cmdline"]]
    return calls[0]["time"] - min(one for one in times if one >= began)


if __name__ == "__main__":
    tap.main(globals())

# SPDX-License-Identifier: Apache-2.0
"""The responder before an API server that records what it is asked."""
import json
import os
import signal
import subprocess

import tap
from stack import BUILD, SOURCE
from responder import FakeApi, NODE, Receiver, Responder, TOKEN, alert

LABEL = """
- rule: Shell
  match:
    rules: [Terminal shell in container]
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters:
        labels: {suspicious: "true", old: ""}
"""
POD = "/api/v1/namespaces/default/pods/web-1"


def test_an_alert_labels_the_pod():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        api.add_pod("default", "web-1", uid="u-1", labels={"app": "web", "old": "1"})
        tap.equal(responder.post(alert()), 200)
        call = api.wait("PATCH", POD)
        tap.equal(call["body"], {"metadata": {"uid": "u-1", "labels": {"suspicious": "true", "old": None}}})
        tap.equal(call["media"], "application/merge-patch+json")
        tap.equal(call["token"], "Bearer cluster-token")
        done, = responder.wait_state("done")
        tap.equal((done["pod_uid"], done["node"], done["actions"][0]["state"]), ("u-1", NODE, "done"))
        event = api.wait("POST", "/api/v1/namespaces/default/events")
        tap.equal(event["body"]["reason"], "tercel:action:kubernetes:label:success")
        tap.equal(event["body"]["involvedObject"]["uid"], "u-1")
        tap.equal([line["what"] for line in responder.audit()], ["success"])
        assert 'tercel_responder_actions_total{rule="Shell",action="Label it",actionner="kubernetes:label",status="success"} 1' \
            in responder.get("/metrics"), responder.get("/metrics")



def playbook(actionner, parameters="{}", more="", action_more=""):
    return f"""
- rule: Shell
  match: {{rules: [Terminal shell in container]}}
{more}
  actions:
    - action: it
      actionner: {actionner}
      parameters: {parameters}
{action_more}
"""


def changed(api):
    return [(call["verb"], call["path"], call["body"]) for call in api.changes()]


def test_talons_own_rules_load_as_they_are():
    shared = os.environ.get("TERCEL_SHARED") or os.path.join(os.path.dirname(__file__), "../../../shared")
    file = os.path.join(shared, "data/talon/rules.yaml")
    if not os.path.exists(file):
        tap.skip("the rules of Talon are not here")
    with FakeApi() as api, Responder(api, open(file).read()) as responder:
        names = [rule["rule"] for rule in json.loads(responder.get("/rules"))]
        assert "Terminal shell in container" in names and len(names) == 11, names
        api.add_pod("default", "web-1", uid="u-1", owner=("ReplicaSet", "web-abc"))
        tap.equal(responder.post(alert()), 200)
        tap.equal(api.wait("DELETE", POD)["body"], {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 5,
                                                    "preconditions": {"uid": "u-1"}})
        tap.equal(responder.post(alert("kube-system")), 200)
        tap.equal(len(responder.responses()), 1)


def test_a_fresh_install_only_says_what_it_would_do():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        responder.stop()
        text = responder.config.read_text().replace("dry_run: false\n", "")
        responder.config.write_text(text)
        responder.start()
        api.add_pod("default", "web-1")
        responder.post(alert())
        done, = responder.wait_state("dry_run")
        tap.equal(done["why"], "would do: Label it (kubernetes:label)")
        tap.equal(changed(api), [])


def test_nothing_comes_of_alerts_that_nobody_vouches_for():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        api.add_pod("default", "web-1")
        tap.equal(responder.post(alert(), token=None), 200)
        tap.equal(responder.post(alert(), token="wrong"), 401)
        tap.equal(responder.post(alert(verified=None)), 200)
        tap.equal(responder.post({**alert(), "source": "response"}), 200)
        tap.equal(responder.post(b"{"), 400)
        tap.equal(responder.call("GET", "/")[0], 400)
        tap.equal(responder.responses(), [])
        tap.equal(changed(api), [])
        tap.equal([line["what"] for line in responder.audit()], ["unverified", "refused", "unverified"])


def test_guard_rails_hold_back_and_say_why():
    cases = [
        ("kube-system", "web-1", {}, {}, "protected"),
        ("openshift-dns", "web-1", {}, {}, "protected"),
        ("tercel", "web-1", {}, {}, "our own"),
        ("default", "web-2", {"node": "node-2"}, {}, "a node speaks for its own pods alone"),
        ("default", "web-3", {}, {"k8s.pod.uid": "u-old"}, "another one by now"),
        ("default", "web-4", {"creationTimestamp": "2099-01-01T00:00:00Z"}, {}, "made after the alert"),
        ("default", "gone", None, {}, "there is no pod"),
        ("default", "../../../secrets/x", None, {}, "no name that Kubernetes knows"),
    ]
    with FakeApi() as api, Receiver() as forwarder, \
            Responder(api, LABEL, settings=f"forwarder: {{url: {forwarder.url}}}\n") as responder:
        for namespace, pod, made, fields, why in cases:
            if made is not None:
                api.add_pod(namespace, pod, **{"uid": "u-new", **made})
            before = len(responder.responses())
            tap.equal(responder.post(alert(namespace, pod, **fields)), 200)
            refused = tap.wait_for(why, lambda: (found := responder.responses()) and len(found) > before
                                   and found[0]["state"] == "refused" and found[0])
            assert why in refused["why"], (why, refused["why"])
            with api.lock:
                api.objects.clear()
        tap.equal(changed(api), [])
        told = tap.wait_for("alerts of source response", lambda: len(forwarder.posts) >= len(cases) and forwarder.alerts())
        assert all(one["source"] == "response" and one["rule"] == "Response held back" for one in told), told


def test_a_flood_makes_one_action():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        api.add_pod("default", "web-1", uid="u-1")
        for _ in range(100):
            tap.equal(responder.post([alert() for _ in range(100)]), 200)
        responder.wait_state("done")
        tap.equal(len(changed(api)), 1)
        tap.equal(len(responder.responses()), 1)
        repeated = alert()
        api.add_pod("default", "web-2", uid="u-2")
        repeated["output_fields"]["k8s.pod.name"] = "web-2"
        for _ in range(3):
            responder.post(repeated)
        responder.wait_state("done", 2)
        responder.stop(signal.SIGKILL)
        responder.start()
        responder.post(repeated)
        responder.post(alert())
        tap.equal(len(responder.responses()), 2)
        tap.equal(len(changed(api)), 2)


def test_while_the_api_server_is_down_actions_wait_and_expire():
    both = LABEL + playbook("kubernetes:annotation", "{annotations: {a: b}}", "  patience: 1s").replace("rule: Shell", "rule: Hasty")
    with FakeApi() as api, Responder(api, both) as responder:
        api.add_pod("default", "web-1", uid="u-1")
        api.is_down = True
        tap.equal(responder.post(alert()), 200)
        expired, = responder.wait_state("expired")
        tap.equal(expired["rule"], "Hasty")
        waiting, = responder.wait_state("pending")
        assert "cannot be asked" in waiting["why"], waiting["why"]
        responder.stop(signal.SIGKILL)
        responder.start()
        api.is_down = False
        responder.wait_state("done", seconds=40)
        tap.equal([(verb, path) for verb, path, _ in changed(api)], [("PATCH", POD)])


def test_what_expires_is_undone():
    steps = """
- rule: Shell
  match: {rules: [Terminal shell in container]}
  expires: 1s
  actions:
    - {action: label, actionner: kubernetes:label, parameters: {labels: {app: held, fresh: "1"}}}
    - {action: net, actionner: kubernetes:networkpolicy, parameters: {scope: pod, deny: both, allow_cidr: [10.0.0.0/8]}}
    - {action: cordon, actionner: kubernetes:cordon}
"""
    with FakeApi() as api, Responder(api, steps) as responder:
        api.add_pod("default", "web-1", uid="u-1", labels={"app": "web"})
        api.add(f"/api/v1/nodes/{NODE}", {"kind": "Node", "metadata": {"name": NODE}, "spec": {}})
        responder.post(alert())
        responder.wait_state("undone")
        policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"
        spec = api.wait("POST", policies)["body"]["spec"]
        tap.equal(spec, {"podSelector": {"matchLabels": {"tercel.dev/quarantine": "tercel-u-1"}},
                         "policyTypes": ["Egress", "Ingress"], "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
                         "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]})
        tap.equal([(verb, path) for verb, path, _ in changed(api)], [
            ("PATCH", POD), ("POST", policies), ("PATCH", POD), ("PATCH", f"/api/v1/nodes/{NODE}"),
            ("PATCH", f"/api/v1/nodes/{NODE}"), ("DELETE", f"{policies}/tercel-u-1"), ("PATCH", POD), ("PATCH", POD)])
        tap.equal(api.objects[POD]["metadata"]["labels"], {"app": "web"})
        tap.equal(api.objects[f"/api/v1/nodes/{NODE}"]["spec"], {})


def test_somebody_approves_and_undoes():
    with FakeApi() as api, Responder(api, LABEL.replace("  match:", "  confirm: true\n  match:")) as responder:
        api.add_pod("default", "web-1", uid="u-1", labels={"app": "web"})
        responder.post(alert())
        waiting, = responder.wait_state("waiting")
        path = f"/api/responses/{waiting['id']}"
        tap.equal(responder.call("POST", f"{path}/approve", {}, token=None)[0], 401)
        tap.equal(responder.call("POST", f"{path}/undo", {})[0], 409)
        tap.equal(changed(api), [])
        tap.equal(waiting["decisions"], ["approve", "reject"])
        tap.equal(responder.call("POST", f"{path}/approve", {"by": "alice"})[0], 202)
        done, = responder.wait_state("done")
        tap.equal((done["decisions"], done["decided_by"]), (["undo"], "alice"))
        tap.equal(responder.call("POST", f"{path}/approve", {})[0], 409)
        tap.equal(responder.call("POST", f"{path}/undo", {})[0], 202)
        undone, = responder.wait_state("undone")
        tap.equal(undone["decisions"], [])
        tap.equal(api.objects[POD]["metadata"]["labels"], {"app": "web"})
        tap.equal([(line["what"], line["why"]) for line in responder.audit() if line["what"].startswith("approve")],
                  [("approve", "alice"), ("approved", "alice")])


def test_limits_hold_back_the_rest():
    with FakeApi() as api, Responder(api, LABEL.replace("  match:", "  limit: 2/1h\n  match:")) as responder:
        for number in range(4):
            api.add_pod("default", f"web-{number}")
            responder.post(alert(pod=f"web-{number}"))
        responder.wait_state("done", 2)
        refused = responder.wait_state("refused", 2)
        assert "the limit of the rule: 2" in refused[0]["why"], refused


def test_limits_of_all_and_of_a_workload_hold_back_the_rest():
    cases = [("limit_an_hour: 2", ["a", "b", "c"], "the limit of responses an hour: 2"),
             ("workload_limit_an_hour: 2", ["a", "a", "a"], "the limit of pods of one workload an hour: 2")]
    for setting, owners, words in cases:
        with FakeApi() as api, Responder(api, LABEL, settings=f"guard: {{{setting}}}\n") as responder:
            for number, owner in enumerate(owners):
                api.add_pod("default", f"web-{number}", owner=("ReplicaSet", owner))
                responder.post(alert(pod=f"web-{number}"))
            responder.wait_state("done", 2)
            refused, = responder.wait_state("refused")
            assert words in refused["why"], refused
            if setting.startswith("workload"):
                api.add_pod("default", "other", owner=("ReplicaSet", "b"))
                responder.post(alert(pod="other"))
                responder.wait_state("done", 3)
            tap.equal(len(changed(api)), len(responder.responses(state="done")))


def test_min_healthy_replicas_counts_what_would_be_left():
    with FakeApi() as api, Responder(api, playbook("kubernetes:terminate", "{min_healthy_replicas: 50%}")) as responder:
        owner = "/apis/apps/v1/namespaces/default/replicasets/web-abc"
        for ready, state in ((2, "failed"), (3, "done")):
            api.add(owner, {"metadata": {"name": "web-abc"}, "spec": {"replicas": 4}, "status": {"readyReplicas": ready}})
            api.add_pod("default", f"web-{ready}", owner=("ReplicaSet", "web-abc"))
            responder.post(alert(pod=f"web-{ready}"))
            responder.wait_state(state)
        tap.equal([(verb, path) for verb, path, _ in changed(api)], [("DELETE", "/api/v1/namespaces/default/pods/web-3")])


def test_what_another_node_says_of_a_pod_does_not_stand_in_the_way():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        api.add_pod("default", "web-1")
        responder.post(alert(node="node-2"))
        responder.wait_state("refused")
        responder.post(alert())
        responder.wait_state("done")


def test_a_slow_drain_keeps_nobody_else_waiting():
    both = """
- rule: Drain
  match: {rules: [Drain]}
  actions: [{action: d, actionner: kubernetes:drain, parameters: {max_wait_period: 3600, ignore_daemonsets: true}}]
""" + LABEL
    with FakeApi() as api, Responder(api, both) as responder:
        for name, more in (("web-1", {}), ("web-2", {}), ("daemon", {"owner": ("DaemonSet", "d")})):
            pod = api.add_pod("default", name, **more)
        system = api.add_pod("kube-system", "dns")
        pods = [api.objects[key] for key in list(api.objects)]
        api.answers.append(("GET", "/api/v1/pods", lambda call: (200, {"items": pods})))
        responder.post(alert(rule="Drain"))
        tap.wait_for("two evictions", lambda: len(api.of("POST", ".*/eviction")) == 2)
        responder.wait_state("running")
        api.add_pod("default", "web-9")
        responder.post(alert(pod="web-9"))
        responder.wait_state("done")
        tap.equal(sorted(call["path"] for call in api.of("POST", ".*/eviction")),
                  [f"/api/v1/namespaces/default/pods/web-{n}/eviction" for n in (1, 2)])
        pods.clear()
        responder.wait_state("done", 2)


HOSTILE = "x;$(touch /pwned)`id`\"'\n\t\\${IFS}|&" + "é" * 8 + "A" * 65536


def test_hostile_fields_stay_values():
    template = playbook("kubernetes:exec", '{command: \'echo "$FD_NAME" "$PROC_CMDLINE"\'}') + \
        playbook("kubernetes:download", '{file: "/tmp/${FD_NAME}"}', action_more="      output: {target: local:file, parameters: {destination: DESTINATION}}").replace("rule: Shell", "rule: Get")
    with FakeApi() as api, Receiver() as hook:
        folder = api.folder / "kept"
        folder.mkdir()
        template += playbook("webhook:post", f"{{url: '{hook.url}/x'}}").replace("rule: Shell", "rule: Hook")
        api.commands = lambda call: (b"out", b"", {"status": "Success"})
        with Responder(api, template.replace("DESTINATION", str(folder))) as responder:
            api.add_pod("default", "web-1", uid="u-1")
            fields = {"fd.name": HOSTILE[:4000], "proc.cmdline": HOSTILE, "ld.preload": "/evil.so", "container.name": HOSTILE}
            tap.equal(responder.post(alert(**fields)), 200)
            responder.wait_state("done", 3)
            commands = {call["query"]["command"][0]: call["query"]["command"] for call in api.of("GET", f"{POD}/exec")}
            argv = commands["env"]
            tap.equal(argv[-3:], ["/bin/sh", "-c", 'echo "$FD_NAME" "$PROC_CMDLINE"'])
            assert f"FD_NAME={HOSTILE[:4000]}" in argv, argv
            assert not any(word.startswith("LD_") for word in argv), argv
            tap.equal(commands["cat"], ["cat", "--", f"/tmp/{HOSTILE[:4000]}"])
            kept, = folder.iterdir()
            tap.equal(kept.read_bytes(), b"out")
            post = json.loads(hook.posts[0]["body"])
            tap.equal(post["output_fields"]["proc.cmdline"], HOSTILE)
            assert all(json.dumps(line) for line in responder.audit())


def test_exec_goes_on_to_the_next_container_until_one_does_it():
    with FakeApi() as api, Responder(api, playbook("kubernetes:exec", "{command: id}")) as responder:
        def commands(call):
            if call["query"]["container"] == ["main"]:
                return b"", b"no shell", {"status": "Failure", "message": "command terminated", "details": {
                    "causes": [{"reason": "ExitCode", "message": "127"}]}}
            return b"x" * 200000, b"", {"status": "Success"}
        api.commands = commands
        pod = api.add_pod("default", "web-1")
        pod["spec"]["containers"].append({"name": "side"})
        responder.post(alert())
        done, = responder.wait_state("done")
        assert "in main: exit code 127" in done["actions"][0]["result"] and "in side: exit code 0" in done["actions"][0]["result"]
        tap.equal([call["query"]["stdin"] for call in api.of("GET", f"{POD}/exec")], [["false"]] * 2)


def test_logs_and_policies_and_deletes_ask_what_they_should():
    many = """
- rule: Many
  match: {rules: [Terminal shell in container]}
  actions:
    - {action: log, actionner: kubernetes:log, parameters: {tail_lines: 3}}
    - {action: net, actionner: kubernetes:networkpolicy, parameters: {allow_namespaces: [green], allow: [10.1.0.0/16]}}
    - {action: calico, actionner: calico:networkpolicy, parameters: {order: 7, allow_cidr: [10.0.0.0/8]}}
    - {action: cilium, actionner: cilium:networkpolicy}
    - {action: away, actionner: kubernetes:tcpdump, ignore_errors: "true", continue: "true", output: {target: local:file, parameters: {destination: /tmp}}}
- rule: Delete
  match: {rules: [Bad ConfigMap]}
  actions: [{action: d, actionner: kubernetes:delete}]
"""
    with FakeApi() as api, Responder(api, many, settings="guard: {cluster_hosts: [audit-host]}\n") as responder:
        api.answers.append(("GET", f"{POD}/log", lambda call: (200, "a line\n")))
        api.add("/apis/apps/v1/namespaces/default/replicasets/web-abc",
                {"metadata": {"name": "web-abc"}, "spec": {"selector": {"matchLabels": {"app": "web", "pod-template-hash": "abc"}}}})
        api.add_pod("default", "web-1", owner=("ReplicaSet", "web-abc"))
        responder.post(alert(**{"fd.rip": "1.2.3.4"}))
        done, = responder.wait_state("done")
        tap.equal([one["state"] for one in done["actions"]], ["done"] * 4 + ["failed"])
        tap.equal(api.of("GET", f"{POD}/log")[0]["query"], {"container": ["main"], "tailLines": ["3"]})
        spec = {call["path"].split("/")[2]: call["body"]["spec"] for call in api.changes()}
        tap.equal(spec["networking.k8s.io"], {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}},
                               {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "green"}}}]}]})
        tap.equal(spec["projectcalico.org"], {"order": 7, "selector": "app == 'web'", "types": ["Egress"], "egress": [
            {"action": "Deny", "destination": {"nets": ["1.2.3.4/32"]}}, {"action": "Allow", "destination": {"nets": ["10.0.0.0/8"]}}]})
        tap.equal(spec["cilium.io"], {"endpointSelector": {"matchLabels": {"app": "web"}},
            "egressDeny": [{"toCIDR": ["1.2.3.4/32"]}], "egress": [{"toCIDR": ["0.0.0.0/0", "::/0"]}]})
        path = "/api/v1/namespaces/default/configmaps/bad"
        api.add(path, {"metadata": {"name": "bad", "uid": "c-1"}})
        target = {"ka.target.resource": "configmaps", "ka.target.name": "bad", "ka.target.namespace": "default"}
        for node, state in ((NODE, "refused"), ("audit-host", "done")):
            one = alert(rule="Bad ConfigMap", node=node, **target)
            one["output_fields"].pop("k8s.pod.name")
            one["output_fields"].pop("k8s.ns.name")
            one["output_fields"]["ka.target.name"] = "bad"
            responder.post(one)
            responder.wait_state(state, 1 if state == "refused" else 2)
        tap.equal(api.wait("DELETE", path)["body"]["preconditions"], {"uid": "c-1"})


def test_wrong_playbooks_leave_the_old_in_use():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        responder.file.write_text("- rule: Broken\n  actions: []\n")
        responder.process.send_signal(signal.SIGHUP)
        tap.wait_for("the complaint", lambda: "the old playbooks stay" in responder.logged())
        tap.equal([rule["rule"] for rule in json.loads(responder.get("/rules"))], ["Shell"])
        responder.file.write_text(LABEL.replace("rule: Shell", "rule: Other"))
        tap.wait_for("the new rule", lambda: "Other" in responder.get("/rules"))


def test_the_page_of_actions_is_the_programs_own():
    text = subprocess.run([BUILD / "tercel/tercel", "actions", "--markdown"], capture_output=True, text=True, check=True).stdout
    assert (SOURCE / "docs/actions.md").read_text(encoding="utf-8").endswith(text), "tercel actions --markdown"


if __name__ == "__main__":
    tap.main(globals())

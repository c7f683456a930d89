# SPDX-License-Identifier: Apache-2.0
"""The responder before a real kube-apiserver, with a service account that may do what its rendered role says and
no more. Each object is read back."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
import test_response_loop as loop
from containers import Container, need_runc
from kubernetes import ApiServer, Refused
from responder import TOKEN, Responder, alert
from stack import BUILD, Stack, free_port, need_root
from test_responder_replicas import Replicas

PLAYBOOK = """
- rule: Everything
  match: {rules: [Everything]}
  expires: 3s
  actions:
    - {action: label, actionner: kubernetes:label, parameters: {labels: {suspicious: "true", app: ""}}}
    - {action: note, actionner: kubernetes:annotation, parameters: {annotations: {tercel.dev/why: 'a shell'}}}
    - {action: node, actionner: kubernetes:label, parameters: {level: node, labels: {tercel.dev/watched: "1"}}}
    - {action: net, actionner: kubernetes:networkpolicy, parameters: {scope: pod, deny: both, allow_cidr: [10.0.0.0/8]}}
    - {action: owner, actionner: kubernetes:networkpolicy, parameters: {allow_namespaces: [green]}}
    - {action: cordon, actionner: kubernetes:cordon}
- rule: Terminate
  match: {rules: [Terminate]}
  actions: [{action: t, actionner: kubernetes:terminate, parameters: {min_healthy_replicas: "1"}}]
- rule: Drain
  match: {rules: [Drain]}
  actions: [{action: d, actionner: kubernetes:drain}]
- rule: Delete
  match: {rules: [Delete]}
  actions: [{action: d, actionner: kubernetes:delete}]
- rule: Exec
  match: {rules: [Exec]}
  actions: [{action: e, actionner: kubernetes:exec, parameters: {command: id}}]
- rule: Log
  match: {rules: [Log]}
  actions: [{action: l, actionner: kubernetes:log}]
"""
NODE = "node-1"


def role(file, *more):
    text = subprocess.run([BUILD / "responder/tercel-responder", "role", "--namespace", "tercel", *more, file],
                          check=True, capture_output=True, text=True).stdout
    return [one for one in yaml.safe_load_all(text) if one]


def pod(name, labels=None, owner=None):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels or {"app": "web"},
            **({"ownerReferences": [owner]} if owner else {})},
            "spec": {"nodeName": NODE, "containers": [{"name": "main", "image": "none"}]}}


class Cluster:
    def __init__(self, api, folder):
        self.api, self.folder = api, folder
        self.file = folder / "playbook.yaml"
        self.file.write_text(PLAYBOOK)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tercel"}})
        api.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}}})
        for one in role(self.file):
            api.apply(one)
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "tercel"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url,
                                                   "certificate-authority": str(api.certificate)}}],
            "users": [{"name": "u", "user": {"token": api.token("tercel", "tercel-responder")}}]}))

    def get(self, path):
        return self.api.call("GET", path)

    def is_gone(self, path):
        try:
            self.get(path)
            return False
        except Refused as why:
            return why.status == 404


def with_cluster(test):
    with ApiServer() as api, tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(api, pathlib.Path(folder))
        with Responder(cluster, PLAYBOOK, settings="guard: {cluster_hosts: [audit]}\n") as responder:
            test(cluster, responder)


PODS = "/api/v1/namespaces/default/pods"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"


def everything(cluster, responder):
    made = cluster.api.apply(pod("web-1"))
    uid = made["metadata"]["uid"]
    responder.post(alert(rule="Everything", node=NODE))
    responder.wait_state("done")
    now = cluster.get(f"{PODS}/web-1")["metadata"]
    tap.equal(now["labels"], {"suspicious": "true", "tercel.dev/quarantine": f"tercel-{uid}"})
    tap.equal(now["annotations"]["tercel.dev/why"], "a shell")
    tap.equal(cluster.get(f"/api/v1/nodes/{NODE}")["spec"].get("unschedulable"), True)
    tap.equal(cluster.get(f"/api/v1/nodes/{NODE}")["metadata"]["labels"]["tercel.dev/watched"], "1")
    tap.equal(cluster.get(f"{POLICIES}/tercel-{uid}")["spec"]["policyTypes"], ["Egress", "Ingress"])
    tap.equal(cluster.get(f"{POLICIES}/web-1")["spec"]["egress"][0]["to"][0]["namespaceSelector"]["matchLabels"],
              {"kubernetes.io/metadata.name": "green"})
    events = tap.wait_for("events", lambda: [e for e in cluster.get("/api/v1/namespaces/default/events")["items"]
                                             if e["reason"].startswith("tercel:")])
    tap.equal(events[0]["involvedObject"]["uid"], uid)
    responder.wait_state("undone")
    now = cluster.get(f"{PODS}/web-1")["metadata"]
    tap.equal(now["labels"], {"app": "web"})
    assert "tercel.dev/why" not in now.get("annotations", {}), now
    assert "unschedulable" not in cluster.get(f"/api/v1/nodes/{NODE}")["spec"]
    assert cluster.is_gone(f"{POLICIES}/tercel-{uid}") and cluster.is_gone(f"{POLICIES}/web-1")


def deletes(cluster, responder):
    api = cluster.api
    labels = {"app": "set"}
    made = api.apply({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "set"}, "spec": {
        "replicas": 2, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}}})
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": made["metadata"]["uid"], "controller": True}
    api.call("PATCH", "/apis/apps/v1/namespaces/default/replicasets/set/status",
             {"status": {"replicas": 2, "readyReplicas": 2}}, media="application/merge-patch+json")
    api.apply(pod("set-1", labels, owner))
    responder.post(alert(pod="set-1", rule="Terminate", node=NODE))
    responder.wait_state("done")
    assert cluster.is_gone(f"{PODS}/set-1")
    api.apply(pod("old", labels, owner))
    responder.post(alert(pod="old", rule="Terminate", node=NODE, **{"k8s.pod.uid": "another"}))
    responder.wait_state("refused")
    assert not cluster.is_gone(f"{PODS}/old")
    api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad"}, "data": {"a": "b"}})
    one = alert(rule="Delete", node="audit", **{"ka.target.resource": "configmaps", "ka.target.name": "bad", "ka.target.namespace": "default"})
    one["output_fields"].pop("k8s.pod.name")
    responder.post(one)
    tap.wait_for("the ConfigMap to go", lambda: cluster.is_gone("/api/v1/namespaces/default/configmaps/bad"))
    responder.post(alert(pod="old", rule="Drain", node=NODE))
    # No kubelet is there to end it.
    tap.wait_for("the pod to be evicted", lambda: "deletionTimestamp" in cluster.get(f"{PODS}/old")["metadata"])


def streams(cluster, responder):
    """There is no kubelet: the API server takes the upgrade or the request, authorised, and fails at the node."""
    cluster.api.apply(pod("web-1"))
    for rule in ("Exec", "Log"):
        responder.post(alert(rule=rule, node=NODE))
    found = tap.wait_for("both to be tried", lambda: len(all_of := responder.responses()) == 2
                         and all(one["why"] for one in all_of) and all_of)
    for one in found:
        assert "the API server answered 5" in one["why"] and "forbidden" not in one["why"], one["why"]


def test_actions_change_and_undo_what_the_server_holds():
    with_cluster(everything)


def test_deletes_and_evictions_hit_the_pod_that_was_meant():
    with_cluster(deletes)


def test_streams_are_authorised():
    with_cluster(streams)


def test_the_whole_loop_from_a_shell_in_a_container_to_the_pod_that_is_gone():
    need_root()
    need_runc()
    with ApiServer() as api, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cluster = Cluster(api, folder)
        # The responder is not root.
        for path, mode in ((folder, 0o755), (api.folder, 0o711), (cluster.kubeconfig, 0o644)):
            os.chmod(path, mode)
        (folder / "rules.yaml").write_text(loop.RULE)
        (folder / "loop.yaml").write_text(loop.PLAYBOOK)
        environment = {"KUBECONFIG": str(cluster.kubeconfig), "TERCEL_RESPONDER_DRY_RUN": "false",
                       "CUSTOMFIELDS": "k8s.ns.name:default,k8s.pod.name:web-1"}
        os.environ.update(environment)
        try:
            with Stack("-r", str(folder / "rules.yaml"), "--playbook", str(folder / "loop.yaml"),
                       "--responder", f"127.0.0.1:{free_port()}") as up, Container("tercel-loop-" + uuid.uuid4().hex[:12]) as box:
                made = api.apply({**pod("web-1"), "spec": {**pod("web-1")["spec"], "nodeName": socket.gethostname()}})
                began = time.monotonic()
                box.run("sh", "-c", "echo hello")
                tap.wait_for("the pod to go", lambda: cluster.is_gone(f"{PODS}/web-1"))
                print(f"# from the shell to the pod that is gone: {(time.monotonic() - began) * 1000:.0f} ms, load {os.getloadavg()[0]:.1f}")
                policy = cluster.get(f"{POLICIES}/tercel-{made['metadata']['uid']}")
                tap.equal(policy["spec"]["policyTypes"], ["Egress", "Ingress"])
                tap.wait_for("three actions on the dashboard", lambda: len(
                    [one for one in up.events() if one["rule"] == "Response action done"]) >= 3)
        finally:
            for key in environment:
                os.environ.pop(key)


LEADER = "deduplication: {leader_election: true}\nlease_duration: 3s\n"


def test_of_two_replicas_one_acts_and_the_other_knows_what_it_did():
    with ApiServer() as api, tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(api, pathlib.Path(folder))
        with Responder(cluster, PLAYBOOK, settings=LEADER) as first, Responder(cluster, PLAYBOOK, settings=LEADER) as second:
            both = Replicas(first, second)
            made = api.apply(pod("web-1"))
            leader = both.wait_leader()
            both.post(alert(rule="Everything", node=NODE))
            leader.wait_state("done")
            leader.stop(signal.SIGKILL)
            other = both.wait_leader(leader)
            both.post(alert(rule="Everything", node=NODE))
            tap.equal(len(other.responses()), 1)
            # It undoes what the first did.
            other.wait_state("undone", seconds=60)
            tap.equal(cluster.get(f"{PODS}/web-1")["metadata"]["labels"], {"app": "web"})
            assert cluster.is_gone(f"{POLICIES}/tercel-{made['metadata']['uid']}")
            shared = cluster.get("/api/v1/namespaces/tercel/configmaps?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dtercel-responder")
            tap.equal([json.loads(one["data"]["response"])["state"] for one in shared["items"]], ["undone"])
            other.stop()
            tap.equal(cluster.get("/apis/coordination.k8s.io/v1/namespaces/tercel/leases/tercel-responder")["spec"]["holderIdentity"], "")


def test_without_its_role_nothing_is_done():
    def run(cluster, responder):
        cluster.api.apply(pod("web-1"))
        cluster.api.call("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tercel-responder")
        responder.post(alert(rule="Terminate", node=NODE))
        refused, = responder.wait_state("refused")
        assert "forbidden" in refused["why"], refused["why"]
        assert not cluster.is_gone(f"{PODS}/web-1")
    with_cluster(run)


def test_of_several_with_the_charts_rights_one_acts_and_the_next_takes_over():
    from test_chart import RESPONDER, render
    with ApiServer() as api, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco"}})
        for manifest in render(*RESPONDER, "--set", "responder.replicas=2"):
            if manifest["metadata"]["name"] == "falco-falco-talon" and ("Role" in manifest["kind"] or manifest["kind"] == "ServiceAccount"):
                api.apply(manifest)
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps({
            "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "falco"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority": str(api.certificate)}}],
            "users": [{"name": "u", "user": {"token": api.token("falco", "falco-falco-talon")}}]}))

        class Where:  # what Responder() asks of a cluster
            pass
        where = Where()
        where.kubeconfig = kubeconfig
        settings = "deduplication: {leader_election: true}\nlease_duration: 5s\n"
        with Responder(where, PLAYBOOK, settings=settings) as first:
            tap.wait_for("the first to lead", lambda: first.call("GET", "/readyz")[0] == 200, 60)
            with Responder(where, PLAYBOOK, settings=settings) as second:
                tap.equal(second.call("GET", "/readyz")[0], 503)
                connection = http.client.HTTPConnection("127.0.0.1", second.port, timeout=30)
                connection.request("POST", "/", json.dumps(alert()), {"Authorization": f"Bearer {TOKEN}"})
                answer = connection.getresponse()
                tap.equal((answer.status, answer.headers["Connection"]), (503, "close"), "who stands by sends elsewhere")
                first.stop()
                tap.wait_for("the second to lead", lambda: second.call("GET", "/readyz")[0] == 200, 60)


if __name__ == "__main__":
    tap.main(globals())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PolicyReports in a real Kubernetes API server, of the policy working group's own kinds. The forwarder is
who the chart makes it, and may what the chart lets it."""
import atexit
import concurrent.futures
import functools
import json
import pathlib
import shutil
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
import yaml
from kubernetes import ApiServer, Refused
from test_chart import MATRIX, render
from test_forwarder import Forwarder, alert
from test_outputs import hostile

GROUP = "/apis/wgpolicyk8s.io/v1alpha2"
CLUSTER = f"{GROUP}/clusterpolicyreports/falco-cluster-policy-report"
BOUND = "ClusterRoleBinding"


@functools.cache
def access():
    """What the chart makes for the forwarder, by kind."""
    return {one["kind"]: one for one in render(*MATRIX["PolicyReports"])
            if one["kind"] in ("ServiceAccount", "ClusterRole", BOUND) and "falcosidekick" in one["metadata"]["name"]
            and not one["metadata"]["name"].endswith("-ui")}


@functools.cache
def cluster():
    """One server for all tests; each has namespaces of its own."""
    api = ApiServer()
    api.__enter__()
    atexit.register(api.__exit__)
    api.add_policy_reports()
    for name in ("falco", "quiet"):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for manifest in access().values():
        api.apply(manifest)
    return api


def token():
    account = access()["ServiceAccount"]["metadata"]
    return cluster().token(account["namespace"], account["name"])


def namespace(name):
    cluster().apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def forwarder(folder, **settings):
    """One whose kubeconfig holds the account's token and the server's certificate."""
    api = cluster()
    path = pathlib.Path(folder) / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "falco"}}],
        "clusters": [{"name": "it", "cluster": {"server": api.url, "certificate-authority": str(api.certificate)}}],
        "users": [{"name": "it", "user": {"token": token()}}]}))
    return Forwarder(POLICYREPORT_ENABLED="true", POLICYREPORT_KUBECONFIG=str(path), **settings)


def event(where=None, **more):
    """An alert of a namespace, to be known again by a field."""
    one = alert(**more)
    one["output_fields"]["test.id"] = str(uuid.uuid4())
    if where:
        one["output_fields"] = {**one["output_fields"], "k8s.ns.name": where, "k8s.pod.name": "web-0"}
    return one


def post(one, alerts):
    tap.equal(one.post("\n".join(map(json.dumps, alerts))), 200)


def delivered(one, count):
    tap.wait_for(f"{count} alerts to be sent\n{one.logged()}", lambda: one.output("policyreport")["sent"] >= count, 120)


def report(where):
    return cluster().call("GET", f"{GROUP}/namespaces/{where}/policyreports/falco-policy-report")


def ids_of(alerts):
    return [one["output_fields"]["test.id"] for one in alerts]


def ids(found):
    """Of a report's results, each of which has a uuid of its own."""
    properties = [one["properties"] for one in found.get("results", [])]
    tap.equal(len({one["uuid"] for one in properties}), len(properties), "different uuids")
    return [one["test.id"] for one in properties]


def test_an_alert_is_a_result_in_the_report_of_its_namespace_or_of_the_cluster():
    with tempfile.TemporaryDirectory() as folder, forwarder(folder) as one:
        shop = namespace("shop")
        alerts = [event(shop, priority="Critical"), event(shop), event(shop, priority="Debug"), event("not-there"), event()]
        post(one, alerts)
        delivered(one, len(alerts))
        wanted = ids_of(alerts)
        found = report(shop)
        tap.equal(ids(found), wanted[:3])
        tap.equal(found["summary"], {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 1})
        tap.equal([each["severity"] for each in found["results"]], ["critical", "medium", "info"])
        result = found["results"][1]
        tap.equal((result["policy"], result["rule"], result["source"]), ("syscall", "a rule", "Falco"))
        tap.equal(result["timestamp"], {"seconds": 1622308709, "nanos": 82520347})
        tap.equal(result["properties"]["evt.time"], "1622308709082520347")
        tap.equal(result["resources"], [{"apiVersion": "v1", "kind": "Pod", "namespace": shop, "name": "web-0"}])
        tap.equal(ids(report("falco")), [wanted[3]])  # its namespace is not there: the forwarder's own
        tap.equal(ids(cluster().call("GET", CLUSTER)), [wanted[4]])


def test_the_server_takes_whatever_an_alert_holds():
    with tempfile.TemporaryDirectory() as folder, forwarder(folder) as one:
        where = namespace("hostile")
        alerts = [hostile(f"rule {number}", number) for number in range(2)]
        for number, each in enumerate(alerts):
            each["source"] = "syscall"
            each["output_fields"] = {**each["output_fields"], "k8s.ns.name": where, "test.id": str(number)}
        post(one, alerts)
        delivered(one, len(alerts))
        tap.equal(ids(report(where)), ["0", "1"])
        tap.equal(one.output("policyreport")["dead_letters"], 0)


def test_two_forwarders_that_write_one_report_at_once_lose_nothing_and_double_nothing():
    where = namespace("busy")
    own = [[event(where) for _ in range(100)] for _ in range(2)]
    with tempfile.TemporaryDirectory() as left, tempfile.TemporaryDirectory() as right, \
            forwarder(left) as first, forwarder(right) as second, concurrent.futures.ThreadPoolExecutor(2) as pool:
        def send(one, alerts):
            for each in alerts:  # one by one: many small writes, in each other's way
                post(one, [each])
            delivered(one, len(alerts))

        for done in [pool.submit(send, first, own[0]), pool.submit(send, second, own[1])]:
            done.result()
        found = report(where)
        if sorted(ids(found)) != sorted(ids_of(own[0] + own[1])):
            raise AssertionError(f"{len(found['results'])} results of {len(own[0] + own[1])} alerts")
        tap.equal(found["summary"]["warn"], len(found["results"]))
        for one in (first, second):
            tap.equal(one.output("policyreport")["dead_letters"], 0)


def test_what_a_report_has_already_is_not_written_again():
    where = namespace("again")
    with tempfile.TemporaryDirectory() as folder, forwarder(folder) as one:
        path = pathlib.Path(one.environment["POLICYREPORT_KUBECONFIG"])
        right = path.read_text()
        one.stop()
        path.write_text(right.replace(cluster().url, "https://127.0.0.1:9"))
        one.start()
        post(one, [event(where) for _ in range(10)])
        one.stop()
        path.write_text(right)
        shutil.copytree(one.state, f"{folder}/state")
        one.start()
        delivered(one, 10)
        one.stop()
        before = report(where)
        tap.equal(len(ids(before)), 10)
        # As after a crash before it noted what had been sent: all of the journal is sent once more.
        shutil.rmtree(one.state)
        shutil.copytree(f"{folder}/state", one.state)
        one.start()
        delivered(one, 10)
        tap.equal(report(where)["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"])
        post(one, [event(where)])
        delivered(one, 11)
        tap.equal(ids(report(where))[:10], ids(before))
        tap.equal(len(report(where)["results"]), 11)


def kept(where, priorities, **settings):
    """The places, among so many alerts, of those that a report of three keeps."""
    with tempfile.TemporaryDirectory() as folder, forwarder(folder, POLICYREPORT_MAXEVENTS="3", **settings) as one:
        alerts = [event(where, priority=each) for each in priorities]
        for count, each in enumerate(alerts, 1):
            post(one, [each])
            delivered(one, count)
        found = report(where)
        tap.equal(sum(found["summary"].values()), 3)
        return [ids_of(alerts).index(one) for one in ids(found)]


def test_a_full_report_loses_its_oldest_result_or_the_least_severe():
    priorities = ["Critical", "Notice", "Error", "Notice", "Warning", "Critical"]
    tap.equal(kept(namespace("oldest"), priorities), [3, 4, 5])
    tap.equal(kept(namespace("least"), priorities, POLICYREPORT_PRUNEBYPRIORITY="true"), [0, 2, 5])


def test_without_the_role_nothing_is_written_and_nothing_is_lost():
    api, where = cluster(), namespace("barred")
    binding = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{access()[BOUND]['metadata']['name']}"
    api.call("DELETE", binding)
    try:
        with tempfile.TemporaryDirectory() as folder, forwarder(folder) as one:
            # The server's authorizer learns of what was deleted by a watch.
            tap.wait_for("the role to be gone", lambda: refused("GET", f"{GROUP}/namespaces/x/policyreports/falco-policy-report"))
            post(one, [event(where)])
            tap.wait_for("the refusal", lambda: one.output("policyreport")["state"] == "refused")
            assert "403" in one.output("policyreport")["last_error"], one.output("policyreport")
            api.apply(access()[BOUND])
            delivered(one, 1)
            tap.equal(len(ids(report(where))), 1)
    finally:
        api.apply(access()[BOUND])


def refused(method, path, body=None):
    try:
        cluster().call(method, path, body, token=token())
        return False
    except Refused as why:
        return why.status == 403


def test_the_role_lets_it_do_nothing_else():
    namespace("other")
    others = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport", "metadata": {"name": "another"}}
    cluster().call("POST", f"{GROUP}/namespaces/other/policyreports", others)
    for method, path, body in (
            ("GET", "/api/v1/namespaces", None), ("GET", "/api/v1/namespaces/other/secrets", None),
            ("GET", "/api/v1/namespaces/other/pods", None), ("GET", f"{GROUP}/policyreports", None),
            ("GET", f"{GROUP}/namespaces/other/policyreports/another", None),
            ("PUT", f"{GROUP}/namespaces/other/policyreports/another", others),
            ("DELETE", f"{GROUP}/namespaces/other/policyreports/falco-policy-report", None), ("DELETE", CLUSTER, None)):
        if not refused(method, path, body):
            raise AssertionError(f"{method} {path} is allowed")


if __name__ == "__main__":
    tap.main(globals())

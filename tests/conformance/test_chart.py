#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Helm chart by the real Helm, and what it makes by a real Kubernetes API server with OpenShift's own
kinds. What OpenShift's admission would say of a pod is checked by the rules of restricted-v2 below."""
import contextlib
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
import yaml
from go_modules import helm
from kubernetes import ApiServer, Refused
from stack import BUILD, SOURCE

CHART = SOURCE / "deploy/helm/tercel"
OPENSHIFT = ["--api-versions", "security.openshift.io/v1"]
# Kinds that come with operators: their definitions are not in the API server of this test.
OF_OPERATORS = {"ServiceMonitor", "PrometheusRule", "HTTPRoute"}
# What the Pod Security Standard "restricted" and restricted-v2 let a pod mount.
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
                      "secret"}

SEED = ["--set", "falco.docker.enabled=false", "--set", "falco.jsonOutput=true", "--set", "falcosidekick.enabled=true",
        "--set", "falcosidekick.webui.enabled=true", "--set", "falcosidekick.config.datadog.apikey=key",
        "--set", "falcosidekick.config.slack.webhookurl=https://hooks.slack.com/services/T/B/X",
        "--set", "falcosidekick.config.pagerduty.routingkey=key"]

# Name → what is given to `helm template`.
MATRIX = {
    "defaults": [],
    "the seed's values on OpenShift": [*OPENSHIFT, *SEED],
    "OpenShift switched on where there is no cluster to ask": ["--set", "openshift.enabled=true"],
    "OpenShift switched off": [*OPENSHIFT, "--set", "openshift.enabled=false"],
    "OpenShift's privileged constraints": [*OPENSHIFT, "--set", "openshift.scc=privileged"],
    "a privileged sensor": [*OPENSHIFT, "--set", "driver.modernEbpf.leastPrivileged=false"],
    "no RBAC": [*OPENSHIFT, "--set", "rbac.create=false,scc.create=false"],
    "no volumes": ["--set", "falcosidekick.persistence.enabled=false,falcosidekick.webui.persistence.enabled=false"],
    "the sensor alone": ["--set", "falcosidekick.enabled=false"],
    "no dashboard": ["--set", "falcosidekick.webui.enabled=false"],
    "an Ingress": ["--set", "ingress.enabled=true,ingress.host=tercel.example,ingress.tlsSecret=tls"],
    "an HTTPRoute": ["--set", "httpRoute.enabled=true,httpRoute.parentRefs[0].name=gateway"],
    "monitoring": ["--set", "serviceMonitor.enabled=true,prometheusRule.enabled=true,grafanaDashboard.enabled=true"],
    "rules of one's own": ["--set-string", "customRules.mine\\.yaml=- list: mine"],
    "Secrets of one's own": ["--set", "token.existingSecret=mine,falcosidekick.existingSecret=mine,"
                                      "falcosidekick.webui.existingSecret=mine"],
    "PolicyReports": ["--set", "falcosidekick.config.policyreport.enabled=true"],
    "several PolicyReports": [*OPENSHIFT, "--set", "falcosidekick.config.policyreport[0].name=off",
                              "--set", "falcosidekick.config.policyreport[1].name=on",
                              "--set", "falcosidekick.config.policyreport[1].enabled=true"],
    "an older Kubernetes": ["--kube-version", "1.25.0"],
}


def template(*arguments):
    version = [] if "--kube-version" in arguments else ["--kube-version", "1.34.0"]
    command = [helm(), "template", "falco", CHART, "--namespace", "falco", *version, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def render(*arguments):
    answer = template(*arguments)
    if answer.returncode:
        raise AssertionError(answer.stderr)
    return [one for one in yaml.safe_load_all(answer.stdout) if one]


def pod_of(manifest):
    """The pod's labels, annotations and spec, or None."""
    if manifest["kind"] == "Pod":
        return manifest
    return manifest.get("spec", {}).get("template") if manifest["kind"] in ("DaemonSet", "StatefulSet") else None


def violations(pod):
    """Why restricted-v2 or Pod Security "restricted" would refuse a pod; [] when they take it."""
    spec = pod["spec"]
    found = [f"{name} is set" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    found += [f"volume {one['name']} is a {kind}" for one in spec.get("volumes", [])
              for kind in set(one) - {"name"} - RESTRICTED_VOLUMES]
    for container in spec.get("initContainers", []) + spec["containers"]:
        security = {**spec.get("securityContext", {}), **container.get("securityContext", {})}
        name = container["name"]
        wants = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
        found += [f"{name}: {key} is {security.get(key)}" for key, value in wants.items() if security.get(key) is not value]
        # The range is the namespace's: any fixed number is outside of it somewhere.
        found += [f"{name}: {key} is fixed" for key in ("runAsUser", "runAsGroup", "fsGroup") if key in security]
        if security.get("privileged"):
            found.append(f"{name}: privileged")
        if security.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{name}: capabilities are {security.get('capabilities')}")
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            found.append(f"{name}: seccomp profile is {security.get('seccompProfile')}")
        found += [f"{name}: host port {port}" for port in container.get("ports", []) if "hostPort" in port]
    return found


def test_helm_lints_it_without_a_complaint():
    answer = subprocess.run([helm(), "lint", "--strict", CHART, "--kube-version", "1.34.0"], capture_output=True, text=True)
    if answer.returncode or "[WARNING]" in answer.stdout:
        raise AssertionError(answer.stdout + answer.stderr)


def test_every_key_of_the_forwarder_is_a_value():
    command = [BUILD / "tercel/tercel", "settings", "forwarder", "--yaml"]
    config = yaml.safe_load(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as values:
        yaml.safe_dump({"falcosidekick": {"config": config}}, values)
        values.flush()
        render("--values", values.name)


def test_every_pod_but_the_sensors_passes_restricted_v2_and_pod_security():
    for name, arguments in MATRIX.items():
        for manifest in render(*arguments):
            pod = pod_of(manifest)
            if pod and pod["metadata"]["labels"]["app.kubernetes.io/component"] != "sensor":
                tap.equal(violations(pod), [], f"{name}: {manifest['kind']} {manifest['metadata']['name']}")


def test_the_sensor_has_four_capabilities_a_read_only_root_and_constraints_that_allow_just_that():
    manifests = {one["kind"]: one for one in render(*OPENSHIFT)}
    pod, scc = manifests["DaemonSet"]["spec"]["template"], manifests["SecurityContextConstraints"]
    security = pod["spec"]["containers"][0]["securityContext"]
    tap.equal(security["capabilities"], {"drop": ["ALL"], "add": ["BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"]})
    tap.equal(scc["allowedCapabilities"], security["capabilities"]["add"])
    tap.equal((security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"]), (True, False))
    tap.equal([scc[name] for name in ("allowPrivilegedContainer", "allowHostPID", "allowHostNetwork")], [False] * 3)
    tap.equal(pod["metadata"]["annotations"]["openshift.io/required-scc"], scc["metadata"]["name"])
    tap.equal(set(scc["volumes"]) >= {kind for one in pod["spec"]["volumes"] for kind in set(one) - {"name"}}, True)
    for mount in pod["spec"]["containers"][0]["volumeMounts"]:
        if mount["name"] != "tmp" and not mount.get("readOnly"):
            raise AssertionError(f"{mount['name']} is writable")


def test_only_the_sensors_account_may_use_its_constraints():
    for manifest in render(*OPENSHIFT):
        if manifest["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            tap.equal((manifest["kind"], manifest["subjects"]),
                      ("RoleBinding", [{"kind": "ServiceAccount", "name": "falco", "namespace": "falco"}]))
        if manifest["kind"] in ("Role", "ClusterRole"):
            tap.equal([rule["verbs"] for rule in manifest["rules"]], [["use"]])


def test_nothing_is_bound_where_rbac_is_off_or_the_cluster_is_not_openshift():
    for arguments in ([], [*OPENSHIFT, "--set", "rbac.create=false"]):
        found = [one["kind"] for one in render(*arguments) if "Role" in one["kind"]]
        tap.equal(found, [], str(arguments))


def automounts(manifests):
    """The kinds and names of what mounts an API server's token."""
    return [(one["kind"], one["metadata"]["name"]) for one in manifests
            if one.get("automountServiceAccountToken") or
            (pod_of(one) and pod_of(one)["spec"].get("automountServiceAccountToken", True))]


def test_only_the_forwarder_has_a_token_and_only_where_it_writes_policy_reports():
    tap.equal(automounts(render()), [])
    for name in ("PolicyReports", "several PolicyReports"):
        tap.equal(automounts(render(*MATRIX[name])), [("StatefulSet", "falco-falcosidekick")], name)


def test_policy_reports_may_be_read_and_written_by_the_forwarder_and_never_deleted():
    manifests = {one["kind"]: one for one in render(*MATRIX["PolicyReports"])}
    tap.equal(manifests["ClusterRoleBinding"]["subjects"],
              [{"kind": "ServiceAccount", "name": "falco-falcosidekick", "namespace": "falco"}])
    tap.equal(manifests["ClusterRoleBinding"]["roleRef"]["name"], manifests["ClusterRole"]["metadata"]["name"])
    tap.equal({verb for rule in manifests["ClusterRole"]["rules"] for verb in rule["verbs"]}, {"get", "create", "update"})
    without = [one["kind"] for one in render(*MATRIX["PolicyReports"], "--set", "rbac.create=false")]
    tap.equal([kind for kind in without if "Role" in kind], [])


def refused(*arguments):
    answer = template(*arguments)
    tap.equal(answer.returncode != 0, True, f"refusal of {arguments}")
    return answer.stderr


def test_unknown_values_are_refused_by_their_place():
    for value in ("falco.jsonOutputs=true", "falcosidekick.config.slack.webhokurl=x", "sensor.x=1",
                  "falcosidekick.webui.user=admin:admin", "image.repo=x"):
        section, name = value.split("=")[0].rsplit(".", 1)
        error = refused("--set", value)
        if name not in error and section not in error:
            raise AssertionError(error)


def test_the_seeds_pagerduty_keys_are_answered_with_the_right_one():
    for value in ("Pagerduty.APIKey", "pagerduty.apikey", "pagerduty.service", "pagerduty.assignee"):
        error = refused("--set", f"falcosidekick.config.{value}=x")
        if "falcosidekick.config.pagerduty.routingkey" not in error:
            raise AssertionError(error)


def test_the_programs_take_the_settings_that_the_chart_makes():
    for name, arguments in MATRIX.items():
        manifests = {(one["kind"], one["metadata"]["name"]): one for one in render(*arguments)}
        files = {"sensor.yaml": manifests["ConfigMap", "falco"]["data"]["sensor.yaml"]}
        forwarder = manifests.get(("Secret", "falco-falcosidekick"))
        if forwarder:
            files["forwarder.yaml"] = forwarder["stringData"]["forwarder.yaml"]
        with tempfile.TemporaryDirectory() as folder:
            for file, text in files.items():
                path = pathlib.Path(folder) / file
                path.write_text(text)
                answer = subprocess.run([BUILD / "tercel/tercel", "check", path], capture_output=True, text=True)
                # Files of the pod are not here; a key that is not known would be.
                for line in (answer.stdout + answer.stderr).splitlines():
                    if "known" in line and "rules" not in line:
                        raise AssertionError(f"{name}: {file}: {line}")


def test_the_server_takes_every_object_strictly():
    with ApiServer() as api:
        api.add_openshift()
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco", "labels": {
            "pod-security.kubernetes.io/enforce": "privileged"}}})
        for name, arguments in MATRIX.items():
            for manifest in render(*arguments):
                if manifest["kind"] in OF_OPERATORS:
                    continue
                try:
                    api.apply(manifest, "falco", dry_run=True)
                except Refused as why:
                    raise AssertionError(f"{name}: {manifest['kind']} {manifest['metadata']['name']}: {why}") from None


def test_the_servers_own_admission_of_restricted_takes_the_pods():
    with ApiServer() as api:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco", "labels": {
            "pod-security.kubernetes.io/enforce": "restricted"}}})
        for number, manifest in enumerate(render()):
            pod = pod_of(manifest)
            if not pod:
                continue
            is_sensor = pod["metadata"]["labels"]["app.kubernetes.io/component"] == "sensor"
            one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}"}, "spec": dict(pod["spec"])}
            one["spec"]["volumes"] = [*one["spec"].get("volumes", []), *(
                {"name": claim["metadata"]["name"], "emptyDir": {}} for claim in
                manifest["spec"].get("volumeClaimTemplates", []))]
            with contextlib.ExitStack() as wanted:
                if is_sensor:
                    wanted.enter_context(contextlib.suppress(Refused))
                api.apply(one, "falco")
                if is_sensor:
                    raise AssertionError("the sensor's pod passed as restricted: this test checks nothing")


if __name__ == "__main__":
    tap.main(globals())

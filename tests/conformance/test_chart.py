#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Helm chart by the real Helm, and what it makes by a real Kubernetes API server with OpenShift's own
kinds. What OpenShift's admission would say of a pod is checked by the rules of restricted-v2 below."""
import base64
import contextlib
import json
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
# What the Pod Security Standard "restricted" and restricted-v2 let a pod mount.
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
                      "secret"}

SEED = ["--set", "falco.docker.enabled=false", "--set", "falco.jsonOutput=true", "--set", "falcosidekick.enabled=true",
        "--set", "falcosidekick.webui.enabled=true", "--set", "falcosidekick.config.datadog.apikey=key",
        "--set", "falcosidekick.config.slack.webhookurl=https://hooks.slack.com/services/T/B/X",
        "--set", "falcosidekick.config.pagerduty.routingkey=key"]

PLAYBOOKS = """
- action: Label it
  actionner: kubernetes:label
  parameters: {level: node, labels: {suspicious: "true"}}
- rule: Shell
  match: {rules: [Terminal shell in container]}
  notifiers: [slack]
  actions: [{action: Label it}, {action: Stop it, actionner: kubernetes:terminate}]
"""
RESPONDER = ["--set", "responder.enabled=true", "--set-json", "responder.playbooks=" + json.dumps({"mine.yaml": PLAYBOOKS})]

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
    "no TLS": ["--set", "tls.enabled=false"],
    "no TLS on OpenShift": [*OPENSHIFT, *RESPONDER, "--set", "tls.enabled=false"],
    "no TLS, from outside": ["--set", "tls.enabled=false,httpRoute.enabled=true,httpRoute.parentRefs[0].name=gateway",
                             "--set", "ingress.enabled=true,ingress.host=tercel.example"],
    "the chart's own authority on OpenShift": [*OPENSHIFT, *RESPONDER, "--set", "tls.from=generated"],
    "cert-manager": [*RESPONDER, "--set", "tls.from=certManager,tls.issuerRef.name=ours,serviceMonitor.enabled=true"],
    "cert-manager on OpenShift": [*OPENSHIFT, "--set", "tls.from=certManager,tls.issuerRef.name=ours",
                                  "--set", "route.destinationCACertificate=PEM"],
    "certificates of one's own": ["--set", "tls.from=existing,httpRoute.enabled=true,httpRoute.parentRefs[0].name=gateway",
                                  "--set", "httpRoute.caConfigMap=ours"],
    "a responder": RESPONDER,
    "a responder on OpenShift, monitored": [*OPENSHIFT, *RESPONDER, "--set", "serviceMonitor.enabled=true,prometheusRule.enabled=true"],
    "a responder without playbooks": ["--set", "responder.enabled=true"],
    "a responder that acts, of three": [*RESPONDER, "--set", "responder.replicas=3,responder.config.dry_run=false"],
    "a responder without RBAC and volumes": [*RESPONDER, "--set", "rbac.create=false,responder.persistence.enabled=false"],
    "a responder without the dashboard": [*RESPONDER, "--set", "falcosidekick.webui.enabled=false"],
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
                  "falcosidekick.webui.user=admin:admin", "image.repo=x", "responder.config.dry_runs=true", "tls.form=x",
                  "responder.rules=x"):
        section, name = value.split("=")[0].rsplit(".", 1)
        error = refused("--set", value)
        if name not in error and section not in error:
            raise AssertionError(error)


def test_the_seeds_pagerduty_keys_are_answered_with_the_right_one():
    for value in ("Pagerduty.APIKey", "pagerduty.apikey", "pagerduty.service", "pagerduty.assignee"):
        error = refused("--set", f"falcosidekick.config.{value}=x")
        if "falcosidekick.config.pagerduty.routingkey" not in error:
            raise AssertionError(error)


def test_talons_keys_are_answered_with_the_right_one():
    for value in ("responseActions.enabled=true", "falco-talon.config.printAllEvents=true"):
        error = refused("--set", value)
        if "responder.enabled" not in error:
            raise AssertionError(error)


def test_mistakes_in_playbooks_are_refused_by_their_place():
    for text, words in (("- rule: x\n  actions: [{action: a, actionner: kubernetes:terminat}]", 'no actionner "kubernetes:terminat"'),
                        ("- rule: x\n  actions: [{action: a}]", "its action a has no actionner"),
                        ("rule: x", "responder.playbooks.mine.yaml"), ("- [", "responder.playbooks.mine.yaml")):
        error = refused("--set", "responder.enabled=true", "--set-json", "responder.playbooks=" + json.dumps({"mine.yaml": text}))
        if words not in error:
            raise AssertionError(f"{text}: {error}")


def grants(rules):
    """(group, resource) → verbs."""
    return {(rule["apiGroups"][0], rule["resources"][0]): set(rule["verbs"]) for rule in rules}


def playbooks_to_try():
    """One of each action, with what its parameters may say, and what only merging two files shows."""
    known = json.loads(subprocess.run([BUILD / "tercel/tercel", "actions", "--json"], check=True, capture_output=True, text=True).stdout)
    wanted = {"kubernetes:label": {"labels": {"a": "b"}}, "kubernetes:annotation": {"annotations": {"a": "b"}},
              "kubernetes:exec": {"command": "id"}, "kubernetes:script": {"script": "id"}, "kubernetes:download": {"file": "/etc/passwd"},
              "gcp:function": {"gcp_function_name": "f"}, "aws:lambda": {"aws_lambda_name": "f"}, "webhook:post": {"url": "http://x/"},
              "openfaas:function": {"function_name": "f"}, "knative:function": {"url": "http://x/"}}
    for action in known:
        conditions = {(need["parameter"], need["value"]) for need in action["needs"] if "parameter" in need}
        for parameter, value in [(None, None), *sorted(conditions)]:
            parameters = {**wanted.get(action["name"], {}), **({parameter: value or "1"} if parameter else {})}
            step = {"action": "it", "actionner": action["name"], "parameters": parameters, "additional_contexts": ["k8snode"],
                    "output": {"target": "local:file", "parameters": {"destination": "/tmp"}}}
            yield f"{action['name']} {parameters}", {"a.yaml": [{"rule": "x", "actions": [step]}]}
    yield "a reusable action in another file", {
        "a.yaml": [{"action": "it", "actionner": "kubernetes:networkpolicy", "parameters": {"scope": "pod"}}],
        "b.yaml": [{"rule": "x", "actions": [{"action": "it"}, {"action": "y", "actionner": "kubernetes:cordon"}]},
                   {"rule": "z", "actions": [{"action": "it", "parameters": {"scope": "owner"}}]}]}
    yield "an action that nobody uses", {
        "a.yaml": [{"action": "it", "actionner": "kubernetes:delete"}, {"rule": "x", "actions": [{"action": "y", "actionner": "kubernetes:log"}]}]}
    yield "rules of one name in two files", {
        "a.yaml": [{"rule": "x", "actions": [{"action": "y", "actionner": "kubernetes:log"}]}],
        "b.yaml": [{"rule": "x", "actions": [{"action": "z", "actionner": "kubernetes:terminate"}]}]}


def test_the_responders_role_is_what_the_program_itself_says_of_the_same_playbooks():
    compared = 0
    for name, playbooks in playbooks_to_try():
        with tempfile.TemporaryDirectory() as folder:
            files = {file: yaml.safe_dump(items) for file, items in playbooks.items()}
            for file, text in files.items():
                pathlib.Path(folder, file).write_text(text)
            said = subprocess.run([BUILD / "responder/tercel-responder", "role", *(f"{folder}/{file}" for file in sorted(files))],
                                  capture_output=True, text=True)
        if said.returncode:
            # What the program refuses as a playbook needs no role; each such action says so by itself.
            if "no effect" in said.stderr or "recognised" in said.stderr or "sensor captures" in said.stderr:
                continue
            raise AssertionError(f"{name}: {said.stderr}")
        want = grants(next(one for one in yaml.safe_load_all(said.stdout) if one and one["kind"] == "ClusterRole")["rules"])
        made = render("--set", "responder.enabled=true", "--set-json", "responder.playbooks=" + json.dumps(files))
        roles = [one for one in made if one["kind"] == "ClusterRole" and one["metadata"]["name"] == "falco-falco-talon"]
        tap.equal(grants(roles[0]["rules"]) if roles else {}, want, name)
        compared += 1
    print(f"# {compared} playbooks compared", flush=True)
    tap.equal(compared > 20, True)


def test_the_responder_has_a_token_of_the_cluster_only_where_its_playbooks_need_one():
    tap.equal(automounts(render("--set", "responder.enabled=true")), [])
    tap.equal(automounts(render(*RESPONDER)), [("StatefulSet", "falco-falco-talon")])
    for manifest in render("--set", "responder.enabled=true"):
        tap.equal("Role" in manifest["kind"], False, "a role without a playbook")


def test_it_says_what_it_would_do_until_it_is_told_to_act():
    for arguments, want in (((), "dry run: nothing is done"), (("--set", "responder.config.dry_run=false"), None)):
        secret = next(one for one in render(*RESPONDER, *arguments) if one["kind"] == "Secret" and "responder.yaml" in one.get("stringData", {}))
        config = yaml.safe_load(secret["stringData"]["responder.yaml"])
        tap.equal(config.get("dry_run", True), want is not None)


def test_a_sensor_never_gets_the_responders_token():
    for manifest in render(*RESPONDER):
        pod = pod_of(manifest)
        for volume in pod["spec"].get("volumes", []) if pod else []:
            keys = {item["key"] for item in volume.get("secret", {}).get("items", [])}
            if volume["name"] == "token":
                part = pod["metadata"]["labels"]["app.kubernetes.io/component"]
                tap.equal(keys, {"token", "responder"} if part in ("responder", "dashboard") else {"token"}, part)


def dashboard_of(*arguments):
    """Its arguments, its environment, and the keys of Secrets and names of volumes that it mounts."""
    pod = next(pod_of(one) for one in render(*arguments) if one["kind"] == "StatefulSet" and one["metadata"]["name"].endswith("-ui"))
    container, = pod["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in container["env"]}
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    mounts = {one["mountPath"]: volumes.get(one["name"], {}) for one in container["volumeMounts"]}
    return container["args"], environment, mounts


def test_the_dashboard_knows_the_forwarders_the_responder_the_rules_and_the_users():
    arguments, environment, mounts = dashboard_of("--set", "falcosidekick.replicas=2")
    tap.equal(len(environment["TERCEL_DASHBOARD_FORWARDER"].split(",")), 2)
    tap.equal((environment["TERCEL_DASHBOARD_RULES"], environment.get("TERCEL_DASHBOARD_RESPONDER")), ("/usr/share/tercel/rules", None))
    assert "--users-file" not in arguments and "--responder-token-file" not in arguments, arguments
    tap.equal([item["key"] for item in mounts["/etc/tercel/token"]["secret"]["items"]], ["token"])

    arguments, environment, mounts = dashboard_of(*RESPONDER, "--set", "falcosidekick.webui.usersSecret=people",
                                                  "--set-string", "customRules.mine\\.yaml=- list: mine")
    tap.equal(environment["TERCEL_DASHBOARD_RESPONDER"], "https://falco-falco-talon.falco.svc:2803")
    tap.equal(environment["TERCEL_DASHBOARD_RULES"], "/usr/share/tercel/rules,/etc/tercel/rules.d")
    for flag, value in (("--users-file", "/etc/tercel/users/users"), ("--responder-token-file", "/etc/tercel/token/responder"),
                        ("--responder-ca", "/etc/tercel/ca/ca.crt")):
        tap.equal(arguments[arguments.index(flag) + 1], value)
    tap.equal(mounts["/etc/tercel/users"]["secret"]["secretName"], "people")
    tap.equal(mounts["/etc/tercel/rules.d"]["configMap"]["name"], "falco-rules")


def certificates(manifests):
    """Each server's name, its certificate, its key, and the one authority, all as PEM."""
    authority = next(one["data"]["ca.crt"] for one in manifests if one["kind"] == "ConfigMap" and "ca.crt" in one.get("data", {}))
    for one in manifests:
        if one["kind"] == "Secret" and one["metadata"]["name"].endswith("-tls"):
            data = {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
            yield one["metadata"]["name"].removesuffix("-tls"), data, authority


def test_each_server_has_a_certificate_of_its_own_for_its_names_by_the_one_authority():
    found = list(certificates(render(*RESPONDER)))
    tap.equal(sorted(name for name, _, _ in found), ["falco-falco-talon", "falco-falcosidekick", "falco-falcosidekick-ui"])
    tap.equal(len({data["tls.key"] for _, data, _ in found}), 3, "keys")
    for name, data, authority in found:
        tap.equal(data["ca.crt"], authority)
        with tempfile.TemporaryDirectory() as folder:
            for file, text in (("ca", authority), ("crt", data["tls.crt"]), ("key", data["tls.key"])):
                pathlib.Path(folder, file).write_text(text)
            for host in (name, f"{name}.falco.svc", f"{name}.falco.svc.cluster.local", "localhost"):
                subprocess.run(["openssl", "verify", "-purpose", "sslserver", "-verify_hostname", host, "-CAfile", f"{folder}/ca",
                                f"{folder}/crt"], check=True, capture_output=True)
            public = [subprocess.run(["openssl", *command], check=True, capture_output=True).stdout for command in (
                ("x509", "-in", f"{folder}/crt", "-noout", "-pubkey"), ("pkey", "-in", f"{folder}/key", "-pubout"))]
            tap.equal(public[0], public[1], f"{name}: the key is the certificate's")


def test_no_part_speaks_to_another_in_the_clear():
    for name, arguments in MATRIX.items():
        if "no TLS" in name:
            continue
        for line in template(*arguments).stdout.splitlines():
            if "http://" in line and ":280" in line:
                raise AssertionError(f"{name}: {line}")


def test_a_router_that_cannot_know_the_authority_is_answered_with_what_to_set():
    for source in ("certManager,tls.issuerRef.name=x", "existing"):
        error = refused(*OPENSHIFT, "--set", f"tls.from={source}")
        if "route.destinationCACertificate" not in error:
            raise AssertionError(error)


def test_the_icon_is_the_file_beside_it():
    icon = yaml.safe_load((CHART / "Chart.yaml").read_text())["icon"].partition("base64,")[2]
    tap.equal(base64.b64decode(icon), (CHART / "icon.svg").read_bytes())


def test_the_programs_take_the_settings_that_the_chart_makes():
    for name, arguments in MATRIX.items():
        manifests = {(one["kind"], one["metadata"]["name"]): one for one in render(*arguments)}
        files = {"sensor.yaml": manifests["ConfigMap", "falco"]["data"]["sensor.yaml"]}
        forwarder = manifests.get(("Secret", "falco-falcosidekick"))
        if forwarder:
            files["forwarder.yaml"] = forwarder["stringData"]["forwarder.yaml"]
        responder = manifests.get(("Secret", "falco-falco-talon"))
        if responder:
            files["responder.yaml"] = responder["stringData"]["responder.yaml"]
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
        api.add_operators()
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco", "labels": {
            "pod-security.kubernetes.io/enforce": "privileged"}}})
        for name, arguments in MATRIX.items():
            for manifest in render(*arguments):
                try:
                    api.apply(manifest, "falco", dry_run=True)
                except Refused as why:
                    raise AssertionError(f"{name}: {manifest['kind']} {manifest['metadata']['name']}: {why}") from None


def test_the_servers_own_admission_of_restricted_takes_the_pods():
    with ApiServer() as api:
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "falco", "labels": {
            "pod-security.kubernetes.io/enforce": "restricted"}}})
        for number, manifest in enumerate(render(*RESPONDER)):
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


def helm_run(api, *arguments):
    return subprocess.run([helm(), *arguments, "--namespace", "falco", "--kubeconfig", api.kubeconfig()], capture_output=True, text=True)


def secrets(api):
    return {one["metadata"]["name"]: one["data"] for one in api.call("GET", "/api/v1/namespaces/falco/secrets")["items"]
            if one["type"] != "helm.sh/release.v1"}


def test_the_seeds_commands_install_and_upgrade_and_what_was_made_is_kept():
    """install, Datadog, PagerDuty (its keys without effect are refused, the right one is taken), Slack; then a part is added."""
    base = SEED[:8]
    steps = [("install", "--create-namespace", *base),
             ("upgrade", *base, "--set", "falcosidekick.config.datadog.apikey=key"),
             ("upgrade", *base, "--set", "falcosidekick.config.datadog.apikey=key", "--set", "falcosidekick.config.pagerduty.routingkey=key"),
             ("upgrade", *SEED), ("upgrade", *SEED, *RESPONDER)]
    with ApiServer() as api:
        api.add_openshift()
        before = {}
        for verb, *arguments in steps:
            done = helm_run(api, verb, "falco", CHART, *arguments)
            tap.equal(done.returncode, 0, f"{arguments}: {done.stderr}")
            now = secrets(api)
            for name in ("falco-token", "falco-falcosidekick-ui-tls", "falco-falcosidekick-tls"):
                tap.equal(now.get(name), before.get(name, now.get(name)), f"{name} is kept by {verb} {arguments}")
            before = now
        tap.equal("says what it would do by mine.yaml" in done.stdout, True, done.stdout)
        config = yaml.safe_load(base64.b64decode(before["falco-falcosidekick"]["forwarder.yaml"]))
        tap.equal({"datadog", "pagerduty", "slack", "webui", "talon"} <= set(config), True, str(config))
        wrong = helm_run(api, "upgrade", "falco", CHART, *SEED, "--set", "falcosidekick.config.Pagerduty.APIKey=x")
        tap.equal(wrong.returncode != 0 and "routingkey" in wrong.stderr, True, wrong.stderr)
        done = helm_run(api, "uninstall", "falco")
        tap.equal(done.returncode, 0, done.stderr)
        tap.equal(secrets(api), {}, "left by helm uninstall")


def test_certificates_that_the_chart_made_are_kept_and_a_later_part_has_the_same_authority():
    with ApiServer() as api:
        done = helm_run(api, "install", "falco", CHART, "--create-namespace")
        tap.equal(done.returncode, 0, done.stderr)
        before = secrets(api)
        done = helm_run(api, "upgrade", "falco", CHART, *RESPONDER)
        tap.equal(done.returncode, 0, done.stderr)
        after = secrets(api)
        for name in ("falco-token", "falco-ca", "falco-falcosidekick-tls", "falco-falcosidekick-ui-tls"):
            tap.equal(after[name], before[name], name)
        tap.equal(after["falco-falco-talon-tls"]["ca.crt"], before["falco-ca"]["tls.crt"], "the later part's authority")
        with tempfile.TemporaryDirectory() as folder:
            for file, text in (("ca", before["falco-ca"]["tls.crt"]), ("crt", after["falco-falco-talon-tls"]["tls.crt"])):
                pathlib.Path(folder, file).write_bytes(base64.b64decode(text))
            subprocess.run(["openssl", "verify", "-CAfile", f"{folder}/ca", f"{folder}/crt"], check=True, capture_output=True)


if __name__ == "__main__":
    tap.main(globals())

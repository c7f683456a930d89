# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes API server on etcd, of its own ports and folder. There is no kubelet and no controller:
objects stay as they are written, which is what a test wants to read back.

    with ApiServer() as api:
        api.apply(manifest)                      # server-side, every unknown field an error
        token = api.token("default", "tercel")   # of a service account, under RBAC
        api.call("GET", "/api/v1/namespaces", token=token)"""
import json
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

import yaml

import tap
from go_modules import kube_apiserver, openshift_crds, operator_crds, policy_report_crds
from stack import free_port

ADMIN = "admin-token-of-this-test"


class Refused(Exception):
    """An answer of 400 and above."""

    def __init__(self, status, answer):
        super().__init__(f"{status}: {answer.get('message', answer)}")
        self.status, self.answer = status, answer


class ApiServer:
    def __enter__(self):
        program = kube_apiserver()
        if not shutil.which("etcd"):
            tap.skip("etcd is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tercel-kubernetes-"))
        self.processes = []
        self.resources = {}
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.context = ssl._create_unverified_context()
        try:
            etcd = self.start_etcd()
            self.start_server(program, etcd)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, *command):
        log = open(self.folder / f"{name}.log", "w")
        self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.run("etcd", "etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", f"default={peer}", "--unsafe-no-fsync")
        return client

    def start_server(self, program, etcd):
        (self.folder / "tokens").write_text(f'{ADMIN},admin,admin,"system:masters"\n')
        key = self.folder / "service-accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        self.run("kube-apiserver", program, "--etcd-servers", etcd, "--secure-port", str(self.port),
                 "--bind-address", "127.0.0.1", "--cert-dir", self.folder / "certificates",
                 "--token-auth-file", self.folder / "tokens", "--authorization-mode", "RBAC",
                 "--service-account-issuer", "https://kubernetes.default.svc",
                 "--service-account-key-file", key, "--service-account-signing-key-file", key,
                 "--service-cluster-ip-range", "10.96.0.0/16", "--disable-admission-plugins", "ServiceAccount", "--allow-privileged")
        tap.wait_for("the API server", self.is_ready, 120)

    def is_ready(self):
        if self.processes[-1].poll() is not None:
            raise AssertionError((self.folder / "kube-apiserver.log").read_text()[-3000:])
        try:
            self.call("GET", "/readyz")
            self.call("GET", "/api/v1/namespaces/default")
            return True
        except (OSError, Refused):
            return False

    @property
    def certificate(self):
        """The file of the certificate that a client trusts."""
        return self.folder / "certificates/apiserver.crt"

    def call(self, method, path, body=None, token=ADMIN, media="application/json"):
        request = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body else None)
        request.add_header("Authorization", f"Bearer {token}")
        request.add_header("Content-Type", media)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.context) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as why:
            text = why.read().decode()
            raise Refused(why.code, json.loads(text) if text.startswith("{") else {"message": text}) from None
        return json.loads(text) if text.startswith(("{", "[")) else text

    def token(self, namespace, account):
        answer = self.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                           {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        return answer["status"]["token"]

    def resource(self, version, kind):
        """The server's own words for a kind: its path segment, and whether it is in a namespace."""
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        if version not in self.resources:
            found = self.call("GET", root)["resources"]
            self.resources[version] = {one["kind"]: one for one in found if "/" not in one["name"]}
        if kind not in self.resources[version]:
            raise AssertionError(f"the server knows no {kind} in {version}")
        return root, self.resources[version][kind]

    def path(self, manifest, namespace="default"):
        root, resource = self.resource(manifest["apiVersion"], manifest["kind"])
        within = f"/namespaces/{manifest['metadata'].get('namespace', namespace)}" if resource["namespaced"] else ""
        return f"{root}{within}/{resource['name']}/{manifest['metadata']['name']}"

    def apply(self, manifest, namespace="default", token=ADMIN, dry_run=False):
        query = "fieldManager=test&fieldValidation=Strict&force=true" + ("&dryRun=All" if dry_run else "")
        return self.call("PATCH", f"{self.path(manifest, namespace)}?{query}", manifest, token,
                         "application/apply-patch+yaml")

    def add_kinds(self, files):
        """Kinds of CustomResourceDefinitions; waits until they are served."""
        for file in files:
            definition = yaml.safe_load(file.read_text())
            definition["metadata"].pop("labels", None)  # of a chart, as cert-manager keeps its own
            self.apply(definition)
            versions = [f"{definition['spec']['group']}/{one['name']}" for one in definition["spec"]["versions"] if one["served"]]
            kind = definition["spec"]["names"]["kind"]

            def are_served():
                self.resources.clear()
                try:
                    return all(self.resource(version, kind) for version in versions)
                except (Refused, AssertionError):
                    return False

            tap.wait_for(f"the kind {kind}", are_served, 60)

    def add_openshift(self):
        self.add_kinds(openshift_crds())

    def add_operators(self):
        self.add_kinds(operator_crds())

    def kubeconfig(self, token=ADMIN):
        """The path of a file by which others reach this server."""
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": str(self.certificate)}}],
            "users": [{"name": "u", "user": {"token": token}}]}))
        path.chmod(0o600)
        return path

    def add_policy_reports(self):
        self.add_kinds(policy_report_crds())

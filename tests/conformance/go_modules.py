# SPDX-License-Identifier: Apache-2.0
"""Programs from Go modules, built once into the cache: Helm, kube-apiserver. The Go compiler itself comes
from the module proxy as well, for Debian's is too old for them. A test is skipped where the proxy is out
of reach."""
import io
import os
import re
import subprocess
import urllib.error
import urllib.request
import zipfile

import tap
from machine import CACHE

PROXY = os.environ.get("TERCEL_GOPROXY", "https://proxy.golang.org")
GO = "v0.0.1-go1.25.4.linux-amd64"
HELM = "v3.19.4"
KUBERNETES = "v1.34.4"
OPENSHIFT_API = "v0.0.0-20260709102940-580f1c1ba691"
CRI_O = "v1.34.0"
# Its C libraries are for storage drivers and signatures that no test uses.
CRI_O_TAGS = "containers_image_openpgp,exclude_graphdriver_btrfs"
CERT_MANAGER = "v1.18.2"
GATEWAY_API = "v1.4.0"
PROMETHEUS_OPERATOR = "v0.85.0"
POLICY_PROTOTYPES = "v0.0.0-20240327135653-0fc2ddc5d3e3"


def fetch(path):
    try:
        with urllib.request.urlopen(f"{PROXY}/{path}", timeout=120) as answer:
            return answer.read()
    except urllib.error.HTTPError as why:
        tap.skip(f"the Go module proxy {PROXY} does not give {path}: {why}")
    except OSError as why:
        tap.skip(f"the Go module proxy {PROXY} is out of reach: {why}")


def module(name, version):
    """A module's files, as the path of their folder."""
    folder = CACHE / "modules" / f"{name}@{version}"
    if not folder.exists():
        packed = zipfile.ZipFile(io.BytesIO(fetch(f"{name}/@v/{version}.zip")))
        packed.extractall(CACHE / "modules")
    return folder


def go():
    folder = module("golang.org/toolchain", GO)
    program = folder / "bin/go"
    if not os.access(program, os.X_OK):
        for part in ("bin", "pkg/tool"):
            for path in (folder / part).rglob("*"):
                path.chmod(0o755)
    return program


def build(name, package, go_mod, go_sum="", tags="", variables=()):
    """The path of the program of a Go package, built in a module of its own with that go.mod. Sums that
    go_sum has are not looked up; variables are set in the program, as "PACKAGE.NAME=VALUE"."""
    program = CACHE / "bin" / name
    if program.exists():
        return program
    folder = CACHE / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(go_mod)
    if go_sum:
        (folder / "go.sum").write_text(go_sum)
    environment = {**os.environ, "GOPROXY": PROXY, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOROOT": "",
                   "GOPATH": str(CACHE / "go"), "GOCACHE": str(CACHE / "go-build"), "CGO_ENABLED": "0"}
    flags = " ".join(["-s -w", *(f"-X {one}" for one in variables)])
    answer = subprocess.run([go(), "build", "-trimpath", "-tags", tags, "-ldflags", flags, "-o", program, package], cwd=folder,
                            env=environment, capture_output=True, text=True)
    refused = re.search(rf"reading {re.escape(PROXY)}\S*: .*", answer.stderr)
    if answer.returncode and refused:
        tap.skip(f"a module that {package} needs is not to be had: {refused[0]}")
    if answer.returncode:
        raise AssertionError(f"go build {package}:\n{answer.stderr[-3000:]}")
    return program


def helm():
    return build(f"helm-{HELM}", "helm.sh/helm/v3/cmd/helm", f"module helm\ngo 1.25\nrequire helm.sh/helm/v3 {HELM}\n")


def kube_apiserver():
    # Kubernetes keeps its libraries in its own tree; others take the same from modules v0.X.Y.
    library = "v0." + KUBERNETES.removeprefix("v1.")
    theirs = fetch(f"k8s.io/kubernetes/@v/{KUBERNETES}.mod").decode()
    replaced = re.findall(r"^\s*(k8s\.io/\S+) => \./staging", theirs, re.MULTILINE)
    go_mod = f"module kube-apiserver\ngo 1.25\nrequire k8s.io/kubernetes {KUBERNETES}\n"
    go_mod += "".join(f"replace {name} => {name} {library}\n" for name in replaced)
    major, minor = KUBERNETES.removeprefix("v").split(".")[:2]
    # Helm asks for the version, which Kubernetes' own build puts there.
    version = [f"k8s.io/component-base/version.git{name}={value}" for name, value in (
        ("Version", KUBERNETES), ("Major", major), ("Minor", minor))]
    return build(f"kube-apiserver-of-{KUBERNETES}", "k8s.io/kubernetes/cmd/kube-apiserver", go_mod, version)


def cri_o():
    """The folder that has the programs crio and pinns."""
    source = module("github.com/cri-o/cri-o", CRI_O)
    program = build(f"cri-o-{CRI_O}/crio", "github.com/cri-o/cri-o/cmd/crio",
                    f"module crio\ngo 1.25\nrequire github.com/cri-o/cri-o {CRI_O}\n",
                    (source / "go.sum").read_text(), CRI_O_TAGS)
    pinns = program.with_name("pinns")
    if not pinns.exists():
        subprocess.run(["cc", "-O2", "-o", pinns, *(source / "pinns/src").glob("*.c")], check=True)
    return program.parent


def openshift_crds():
    """Files of CustomResourceDefinitions: OpenShift's SecurityContextConstraints and Route."""
    files = module("github.com/openshift/api", OPENSHIFT_API)
    return [next(files.glob(pattern)) for pattern in (
        "security/v1/zz_generated.crd-manifests/*securitycontextconstraints.crd.yaml",
        "route/v1/zz_generated.crd-manifests/routes.crd.yaml")]


def operator_crds():
    """The same of cert-manager, the Gateway API and the Prometheus Operator."""
    manager = module("github.com/cert-manager/cert-manager", CERT_MANAGER)
    gateway = module("sigs.k8s.io/gateway-api", GATEWAY_API) / "config/crd/standard"
    prometheus = module("github.com/prometheus-operator/prometheus-operator", PROMETHEUS_OPERATOR) / "example/prometheus-operator-crd"
    return [manager / "deploy/crds/crd-certificates.yaml",
            *(gateway / f"gateway.networking.k8s.io_{name}.yaml" for name in ("httproutes", "backendtlspolicies")),
            *(prometheus / f"monitoring.coreos.com_{name}.yaml" for name in ("servicemonitors", "prometheusrules"))]


def policy_report_crds():
    """Files of CustomResourceDefinitions: the policy working group's reports, of a namespace and of the cluster."""
    return sorted((module("sigs.k8s.io/wg-policy-prototypes", POLICY_PROTOTYPES) / "policy-report/crd/v1alpha2").glob("*.yaml"))


if __name__ == "__main__":
    print(helm(), kube_apiserver(), *map(str, openshift_crds() + policy_report_crds()), sep=os.linesep)

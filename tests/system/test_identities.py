# SPDX-License-Identifier: Apache-2.0
"""Outputs that must ask before they send: identities of Amazon, Google, Azure and Kubernetes, which end and are
fetched again, and what some receivers want to have made first."""
import base64
import contextlib
import gzip
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse

import tap
from test_forwarder import Forwarder, alert, numbered
from test_outputs import Amazon, drained, hostile


class Service:
    """Answers by a function of (method, path, headers, body), which gives (status, JSON or text)."""

    def __init__(self, answer, tls=None):
        outer = self
        self.calls = []
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    outer.calls.append((self.command, self.path, self.headers, body))
                    status, answered = answer(self.command, self.path, self.headers, body)
                text = (answered if isinstance(answered, str) else json.dumps(answered)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = handle_one

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def paths(self):
        return [(method, path) for method, path, _, _ in self.calls]


def after(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def keys(key, seconds):
    return {"AccessKeyId": key, "SecretAccessKey": "a/secret", "Token": "machine-token", "Expiration": after(seconds)}


def sts(key, seconds):
    return ("<R><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>a/secret</SecretAccessKey><SessionToken>"
            "role-token</SessionToken><Expiration>{}</Expiration></Credentials></R>").format(key, after(seconds))


def test_keys_of_a_machine_are_fetched_and_again_when_they_are_about_to_end():
    lives = [200, 3600]  # the first is so short that the next alert needs new ones

    def answer(method, path, headers, _):
        if method == "PUT" and path == "/latest/api/token":
            return 200, "TOKEN"
        if headers["X-aws-ec2-metadata-token"] != "TOKEN":
            return 401, ""
        if path.endswith("/security-credentials/"):
            return 200, "my-role"
        return 200, keys("AKID", lives.pop(0) if lives else 3600)

    amazon = Amazon("a/secret")
    with Service(answer) as machine, \
            Forwarder(AWS_REGION="eu-central-1", AWS_EC2_METADATA_SERVICE_ENDPOINT=machine.url, HOME="/nonexistent",
                      AWS_SQS_URL=f"http://127.0.0.1:{amazon.port}/1/queue") as one:
        for number in range(3):
            tap.equal(one.post(alert(f"rule {number}")), 200)
            drained(one, "awssqs")
        tap.equal(len(amazon.seen), 3)
        tap.equal(machine.paths().count(("PUT", "/latest/api/token")), 2)
        tap.equal(machine.paths()[:3], [
            ("PUT", "/latest/api/token"), ("GET", "/latest/meta-data/iam/security-credentials/"),
            ("GET", "/latest/meta-data/iam/security-credentials/my-role")])
    amazon.close()


def test_a_role_is_assumed_and_a_service_that_says_no_loses_nothing():
    state = {"is_denied": True}

    def answer(_method, _path, headers, body):
        assert "AWS4-HMAC-SHA256 Credential=AKOWN/" in headers["Authorization"], headers["Authorization"]
        assert b"Action=AssumeRole&" in body and b"ExternalId=x%20y" in body, body
        if state["is_denied"]:
            return 403, "<Error><Code>AccessDenied</Code><Message>not for you</Message></Error>"
        return 200, sts("AKID", 3600)

    amazon = Amazon("a/secret")
    with Service(answer) as service, \
            Forwarder(AWS_REGION="eu-central-1", AWS_ACCESSKEYID="AKOWN", AWS_SECRETACCESSKEY="own",
                      AWS_ROLEARN="arn:aws:iam::1:role/x", AWS_EXTERNALID="x y", AWS_ENDPOINT_URL_STS=service.url,
                      AWS_SQS_URL=f"http://127.0.0.1:{amazon.port}/1/queue") as one:
        tap.equal(one.post([alert(rule) for rule in numbered(3)]), 200)
        tap.wait_for("the refusal", lambda: one.output("awssqs")["state"] == "refused")
        assert "not for you" in one.output("awssqs")["last_error"], one.output("awssqs")
        assert "the role of the settings below aws. cannot be assumed" in one.logged(), one.logged()
        state["is_denied"] = False
        drained(one, "awssqs")
        tap.equal(len(amazon.seen), 3)
    amazon.close()


def test_a_pods_web_identity_becomes_keys():
    with tempfile.NamedTemporaryFile("w") as token:
        token.write("head.claims.signature\n")
        token.flush()

        def answer(_method, _path, _headers, body):
            form = urllib.parse.parse_qs(body.decode())
            tap.equal(form["WebIdentityToken"], ["head.claims.signature"])
            tap.equal(form["RoleArn"], ["arn:aws:iam::1:role/pod"])
            return 200, sts("AKID", 3600)

        amazon = Amazon("a/secret")
        with Service(answer) as service, \
                Forwarder(AWS_REGION="eu-central-1", AWS_WEB_IDENTITY_TOKEN_FILE=token.name,
                          AWS_ROLE_ARN="arn:aws:iam::1:role/pod", AWS_ENDPOINT_URL_STS=service.url,
                          AWS_S3_ENDPOINT=f"http://127.0.0.1:{amazon.port}", AWS_S3_BUCKET="b",
                          AWS_KINESIS_STREAMNAME="") as one:
            tap.equal(one.post(alert("a rule")), 200)
            drained(one, "awss3")
            tap.equal(len(amazon.seen), 1)
        amazon.close()


def make_account(token_uri):
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                          check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=made, check=True, capture_output=True).stdout
    account = {"type": "service_account", "client_email": "falco@p.iam.gserviceaccount.com", "private_key_id": "k1",
               "private_key": made.decode(), "token_uri": token_uri}
    return base64.b64encode(json.dumps(account).encode()).decode(), public


def verify(token, public, audience):
    """By openssl, which knows nothing of ours; returns the claims."""
    head, claims, signature = token.split(".")

    def raw(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "key").write_bytes(public)
        pathlib.Path(folder, "signature").write_bytes(raw(signature))
        out = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature"], cwd=folder,
                             input=f"{head}.{claims}".encode(), capture_output=True)
    assert out.stdout.strip() == b"Verified OK", out
    tap.equal(json.loads(raw(head)), {"alg": "RS256", "typ": "JWT", "kid": "k1"})
    claims = json.loads(raw(claims))
    tap.equal(claims["aud"], audience)
    return claims


def test_google_gets_a_jwt_that_openssl_verifies_and_the_token_is_kept():
    public = []

    def answer(_method, path, headers, body):
        if path == "/token":
            form = urllib.parse.parse_qs(body.decode())
            tap.equal(form["grant_type"], ["urn:ietf:params:oauth:grant-type:jwt-bearer"])
            claims = verify(form["assertion"][0], public[0], f"{service.url}/token")
            tap.equal(claims["iss"], "falco@p.iam.gserviceaccount.com")
            tap.equal(claims["exp"] - claims["iat"], 3600)
            assert abs(claims["iat"] - time.time()) < 300, claims
            return 200, {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}
        return (200, {}) if headers["Authorization"] == "Bearer ya29.token" else (401, {})

    with Service(answer) as service:
        account, key = make_account(f"{service.url}/token")
        public.append(key)
        with Forwarder(GCP_CREDENTIALS=account, GCP_PUBSUB_PROJECTID="p", GCP_PUBSUB_TOPIC="t",
                       GCP_PUBSUB_ENDPOINT=service.url, GCP_STORAGE_BUCKET="b", GCP_STORAGE_ENDPOINT=service.url,
                       GCP_CLOUDFUNCTIONS_NAME="projects/p/locations/l/functions/f",
                       GCP_CLOUDFUNCTIONS_ENDPOINT=service.url, GCP_CHRONICLE_PROJECTID="p",
                       GCP_CHRONICLE_INSTANCEID="i", GCP_CHRONICLE_REGION="eu",
                       GCP_CHRONICLE_ENDPOINT=service.url) as one:
            for number in range(3):
                tap.equal(one.post(hostile("a rule", number)), 200)
                for name in ("gcppubsub", "gcpstorage", "gcpcloudfunctions", "gcpchronicle"):
                    drained(one, name)
        tap.equal(service.paths().count(("POST", "/token")), 4, "one for each output, kept for all alerts")
        published = [json.loads(body) for _, path, _, body in service.calls if path.endswith(":publish")]
        event = json.loads(base64.b64decode(published[0]["messages"][0]["data"]))
        tap.equal(event["output_fields"]["evt.big"], 18446744073709551615)


def test_a_token_of_google_that_is_revoked_is_fetched_again():
    given = []

    def answer(_method, path, headers, _):
        if path.startswith("/computeMetadata"):
            tap.equal(headers["Metadata-Flavor"], "Google")
            given.append(f"token {len(given)}")
            return 200, {"access_token": given[-1], "expires_in": 3599}
        return (200, {}) if headers["Authorization"] == "Bearer token 1" else (401, {"error": "revoked"})

    with Service(answer) as service, \
            Forwarder(GCE_METADATA_HOST=f"127.0.0.1:{service.port}", GCP_PUBSUB_PROJECTID="p", GCP_PUBSUB_TOPIC="t",
                      GCP_PUBSUB_ENDPOINT=service.url) as one:
        tap.equal(one.post(alert("a rule")), 200)
        drained(one, "gcppubsub")
        tap.equal(len(given), 2)


def test_azure_takes_a_shared_key_or_an_identity():
    def answer(_method, path, headers, body):
        if path == "/tenant/oauth2/v2.0/token":
            form = urllib.parse.parse_qs(body.decode())
            tap.equal((form["client_id"], form["client_secret"]), (["client"], ["s&cret"]))
            tap.equal(form["scope"], ["https://eventhubs.azure.net/.default"])
            return 200, {"access_token": "aad", "expires_in": 3599}
        if headers["Authorization"] == "Bearer aad":
            return 201, ""
        found = re.fullmatch(r"SharedAccessSignature sr=([^&]+)&sig=([^&]+)&se=(\d+)&skn=policy",
                             headers["Authorization"] or "")
        if not found:
            return 401, ""
        address, signature, expires = found.groups()
        tap.equal(urllib.parse.unquote(address), f"{service.url}/hub")
        wanted = hmac.digest(b"k/ey=", f"{address}\n{expires}".encode(), hashlib.sha256)
        tap.equal(urllib.parse.unquote(signature), base64.b64encode(wanted).decode())
        assert int(expires) > time.time(), expires
        return 201, ""

    common = {"AZURE_EVENTHUB_NAME": "hub", "AZURE_EVENTHUB_NAMESPACE": "space"}
    with Service(answer) as service:
        common["AZURE_EVENTHUB_ENDPOINT"] = service.url
        for more in ({"AZURE_EVENTHUB_SHAREDACCESSKEYNAME": "policy", "AZURE_EVENTHUB_SHAREDACCESSKEY": "k/ey="},
                     {"AZURE_TENANT_ID": "tenant", "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": "s&cret",
                      "AZURE_AUTHORITY_HOST": service.url}):
            with Forwarder(**common, **more) as one:
                tap.equal(one.post([hostile("a rule", 1), alert("another")]), 200)
                drained(one, "azureeventhub")
        bodies = [json.loads(body) for _, path, _, body in service.calls if path.startswith("/hub/messages")]
        events = [json.loads(event["Body"]) for body in bodies for event in body]
        tap.equal(len(events), 4)
        tap.equal(events[0]["output_fields"]["evt.time"], 1622308709082520347)


class Kubernetes:
    """An API server over TLS, as far as reports need one: it holds resourceVersions against each other."""

    def __init__(self, tls):
        self.objects = {}
        self.version = 0
        self.conflicts = 2  # so often another writer was faster
        self.service = Service(self.answer, tls)

    def answer(self, method, path, headers, body):
        if headers["Authorization"] != "Bearer cluster-token":
            return 401, {"message": "Unauthorized"}
        if path.startswith("/api/v1/namespaces/") and "/proxy" in path:
            return 200, {}
        if path.startswith("/api/v1/namespaces/"):
            return (200, {}) if path.endswith("/shop") else (404, {})
        if method == "GET":
            return (200, self.objects[path]) if path in self.objects else (404, {})
        report = json.loads(body)
        target = f"{path}/{report['metadata']['name']}" if method == "POST" else path
        known = self.objects.get(target)
        if method == "POST" and known:
            return 409, {}
        if method == "PUT":
            if self.conflicts:
                self.conflicts -= 1
                self.version += 1
                known["metadata"]["resourceVersion"] = str(self.version)
                known.setdefault("annotations", {})["other"] = str(self.version)
            if report["metadata"].get("resourceVersion") != known["metadata"]["resourceVersion"]:
                return 409, {"message": "the object has been modified"}
        self.version += 1
        report["metadata"]["resourceVersion"] = str(self.version)
        self.objects[target] = report
        return 200, report


@contextlib.contextmanager
def cluster():
    """The server and a kubeconfig for it."""
    with tempfile.TemporaryDirectory(prefix="tercel-test-") as folder:
        certificate, key = os.path.join(folder, "crt"), os.path.join(folder, "key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=kube",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        kubernetes = Kubernetes(tls)
        ca = base64.b64encode(pathlib.Path(certificate).read_bytes()).decode()
        path = os.path.join(folder, "config")
        pathlib.Path(path).write_text(f"""
apiVersion: v1
kind: Config
current-context: main
contexts: [{{name: main, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: '{kubernetes.service.url}/', certificate-authority-data: {ca}}}}}]
users: [{{name: u, user: {{token: cluster-token}}}}]
""", encoding="utf-8")
        with kubernetes.service:
            yield kubernetes, path


def test_policy_reports_survive_other_writers_and_forget_the_oldest():
    with cluster() as (kubernetes, path), \
            Forwarder(POLICYREPORT_ENABLED="true", POLICYREPORT_KUBECONFIG=path, POLICYREPORT_MAXEVENTS="5") as one:
        for number in range(4):
            batch = [alert(f"rule {number}.{i}", source="syscall",
                           output_fields={"k8s.ns.name": "shop", "k8s.pod.name": "cart-0", "n": 2**64 - 1})
                     for i in range(2)]
            tap.equal(one.post(batch), 200)
            drained(one, "policyreport")
        tap.equal(one.post([alert("cluster-wide", source="k8saudit", output_fields={"a": "b"}),
                            alert("elsewhere", source="syscall", output_fields={"k8s.ns.name": "gone"}),
                            alert("not ours", source="aws_cloudtrail", output_fields={"k8s.ns.name": "shop"})]), 200)
        drained(one, "policyreport")
        reports = {path.rsplit("/v1alpha2/", 1)[1]: report for path, report in kubernetes.objects.items()}
        tap.equal(sorted(reports), ["clusterpolicyreports/falco-cluster-policy-report",
                                    "namespaces/default/policyreports/falco-policy-report",
                                    "namespaces/shop/policyreports/falco-policy-report"])
        report = reports["namespaces/shop/policyreports/falco-policy-report"]
        tap.equal([result["rule"] for result in report["results"]],
                  ["rule 1.1", "rule 2.0", "rule 2.1", "rule 3.0", "rule 3.1"])
        tap.equal(report["summary"], {"pass": 0, "fail": 0, "warn": 5, "error": 0, "skip": 0})
        tap.equal(report["results"][0]["timestamp"], {"seconds": 1622308709, "nanos": 82520347})
        tap.equal(report["results"][0]["properties"]["n"], "18446744073709551615")
        tap.equal(report["results"][0]["resources"][0]["kind"], "Pod")
        tap.equal(kubernetes.conflicts, 0, "all of the conflicts came up")


def test_functions_are_reached_through_the_api_server():
    with cluster() as (kubernetes, path), \
            Forwarder(OPENFAAS_FUNCTIONNAME="f", OPENFAAS_KUBECONFIG=path, FISSION_FUNCTION="g",
                      FISSION_KUBECONFIG=path, KUBELESS_FUNCTION="h", KUBELESS_NAMESPACE="n",
                      KUBELESS_KUBECONFIG=path) as one:
        tap.equal(one.post(hostile("a rule", 1)), 200)
        for name in ("openfaas", "fission", "kubeless"):
            drained(one, name)
        tap.equal(sorted(kubernetes.service.paths()), [
            ("POST", "/api/v1/namespaces/fission/services/router:80/proxy/fission-function/g"),
            ("POST", "/api/v1/namespaces/n/services/h:8080/proxy/"),
            ("POST", "/api/v1/namespaces/openfaas/services/gateway:8080/proxy/function/f.openfaas-fn")])


def test_an_index_is_made_where_it_is_not_there():
    made = []

    def answer(method, path, headers, body):
        if method == "GET":
            return (200, {}) if made and path in made else (404, {})
        if path.startswith("/_index_template") or path == "/api/v1/indexes":
            json.loads(body)
            made.append(path)
        return 200, {}

    with Service(answer) as service, \
            Forwarder(ELASTICSEARCH_HOSTPORT=service.url, ELASTICSEARCH_CREATEINDEXTEMPLATE="true",
                      ELASTICSEARCH_NUMBEROFREPLICAS="0", QUICKWIT_HOSTPORT=service.url,
                      QUICKWIT_AUTOCREATEINDEX="true") as one:
        for number in range(2):
            tap.equal(one.post(hostile("a rule", number)), 200)
            drained(one, "elasticsearch")
            drained(one, "quickwit")
        calls = service.paths()
        tap.equal([c for c in calls if "template" in c[1]],
                  [("GET", "/_index_template/falco"), ("PUT", "/_index_template/falco")])
        tap.equal([c for c in calls if "indexes" in c[1]],
                  [("GET", "/api/v1/indexes/falco/describe"), ("POST", "/api/v1/indexes")])
        bodies = {path: json.loads(body) for method, path, _, body in service.calls
                  if (method, path) in (("PUT", "/_index_template/falco"), ("POST", "/api/v1/indexes"))}
        tap.equal(bodies["/_index_template/falco"]["index_patterns"], ["falco-*"])
        tap.equal(bodies["/_index_template/falco"]["template"]["settings"]["number_of_replicas"], 0)
        tap.equal(bodies["/api/v1/indexes"]["doc_mapping"]["timestamp_field"], "time")
        document = next(json.loads(body) for _, path, _, body in service.calls if path.endswith("/_doc"))
        assert "proc_name" in document["output_fields"], document


def test_spyderbats_source_is_made_and_lines_come_compressed():
    sources = []

    def answer(method, path, headers, body):
        tap.equal(headers["Authorization"], "Bearer secret")
        if method == "GET":
            return 200, sources
        if path.endswith("/source/"):
            sources.append(json.loads(body))
        return 200, {}

    with Service(answer) as service, \
            Forwarder(SPYDERBAT_ORGUID="org", SPYDERBAT_APIKEY="secret", SPYDERBAT_APIURL=service.url) as one:
        tap.equal(one.post(hostile("a rule", 1)), 200)
        drained(one, "spyderbat")
        tap.equal(sources, [{"name": "falcosidekick", "description": "", "uid": "falcosidekick_org"}])
        method, path, headers, body = service.calls[-1]
        tap.equal((path, headers["Content-Encoding"]), ("/api/v1/org/org/source/falcosidekick_org/data/sb-agent",
                                                        "gzip"))
        tap.equal(json.loads(gzip.decompress(body))["level"], "medium")


if __name__ == "__main__":
    tap.main(globals())

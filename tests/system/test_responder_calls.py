# SPDX-License-Identifier: Apache-2.0
"""What the responder calls outside the cluster's API: functions, artifact stores, notifiers. Amazon's signatures are
computed anew by the receiver, Google's assertions are verified by openssl, mails are taken by aiosmtpd."""
import base64
import email
import email.header
import email.policy
import json
import os
import re
import subprocess
import tempfile
import urllib.parse

import tap
from responder import FakeApi, NODE, Receiver, Responder, alert
from stack import BUILD, free_port
from test_identities import Service, make_account, sts, verify
from test_outputs import Amazon

HOSTILE = "x;$(touch /pwned)`id`\"'\r\nBcc: evil@example.org\n\t\\${IFS}|&<b>" + "é" * 8 + "A" * 65536
STANDALONE = "/api/v1/namespaces/default/pods/web-1"


def playbook(*actions, notifiers=""):
    return f"""
- rule: Shell
  match: {{rules: [Terminal shell in container]}}
  notifiers: [{notifiers}]
  actions:
""" + "".join(f"    - {json.dumps(one)}\n" for one in actions)


def action(actionner, output=None, **parameters):
    return {"action": actionner, "actionner": actionner, "parameters": parameters, **({"output": output} if output else {})}


def hostile():
    return alert(**{"proc.cmdline": HOSTILE, "fd.name": HOSTILE[:2000]})


def amazon_settings(amazon):
    return ("aws: {region: eu-central-1, access_key: AKID, secret_key: a/secret, "
            f"endpoint: 'http://127.0.0.1:{amazon.port}'}}\n")


def test_lambda_is_invoked_with_a_signature_that_amazon_computes_too():
    amazon = Amazon("a/secret")
    with Responder(None, playbook(action("aws:lambda", aws_lambda_name="arn:aws:lambda:eu:1:function:f",
                                         aws_lambda_alias_or_version="live"),
                                  action("aws:lambda", aws_lambda_name="f", aws_lambda_invocation_type="event")),
                   settings=amazon_settings(amazon)) as responder:
        tap.equal(responder.post(hostile()), 200)
        responder.wait_state("done")
        first, second = amazon.seen
        tap.equal(first[:3], ("POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu%3A1%3Afunction%3Af/invocations?Qualifier=live",
                              ["eu-central-1", "lambda", "aws4_request"]))
        tap.equal(second[1], "/2015-03-31/functions/f/invocations?Qualifier=%24LATEST")
        sent = json.loads(first[3])
        tap.equal((sent["rule"], sent["output_fields"]["proc.cmdline"]), ("Terminal shell in container", HOSTILE))
        tap.equal(sent["output_fields"]["falco-talon.actionner"], "aws:lambda")
    amazon.close()


def test_a_lambda_that_fails_or_refuses_is_a_failure_with_its_words():
    def answer(_method, path, _headers, _body):
        return (403, {"Message": "no right to invoke"}) if "closed" in path else \
            (200, {"errorMessage": "it broke", "errorType": "ValueError"})
    with Service(answer) as service:
        for name, words in (("open", "it broke"), ("closed", "no right to invoke")):
            with Responder(None, playbook(action("aws:lambda", aws_lambda_name=name)),
                           settings=f"aws: {{region: eu, access_key: a, secret_key: b, endpoint: '{service.url}'}}\n") as responder:
                responder.post(alert())
                failed, = responder.wait_state("failed")
                assert words in failed["why"], failed


def test_a_role_is_assumed_with_an_external_id():
    amazon = Amazon("a/secret")

    def answer(_method, _path, headers, body):
        assert "Credential=OWN/" in headers["Authorization"], headers["Authorization"]
        assert b"Action=AssumeRole&" in body and b"ExternalId=x%20y" in body, body
        return 200, sts("AKID", 3600)
    with Service(answer) as service, \
            Responder(None, playbook(action("aws:lambda", aws_lambda_name="f")), environment={"AWS_ENDPOINT_URL_STS": service.url},
                      settings=amazon_settings(amazon).replace("AKID", "OWN").replace("a/secret", "own").replace(
                          "aws: {", "aws: {role_arn: 'arn:aws:iam::1:role/x', external_id: x y, ")) as responder:
        responder.post(alert())
        responder.wait_state("done")
        tap.equal(len(amazon.seen), 1)
    amazon.close()


def kept(where, **parameters):
    return action("kubernetes:exec", {"target": where, "parameters": parameters}, command="id")


def test_artifacts_are_kept_in_s3_and_minio_by_signed_requests():
    amazon = Amazon("a/secret")
    minio = f"minio: {{endpoint: '127.0.0.1:{amazon.port}', access_key: AKID, secret_key: a/secret, use_ssl: false}}\n"
    download = {**action("kubernetes:download", {"target": "minio:s3", "parameters": {"bucket": "b"}}, file="/tmp/${FD_NAME}")}
    with FakeApi() as api, Responder(api, playbook(kept("aws:s3", bucket="bucket", prefix="a b/c/"), download),
                                     settings=amazon_settings(amazon) + minio) as responder:
        api.commands = lambda call: (b"out\0\xff" * 50000, b"", {"status": "Success"})
        api.add_pod("default", "web-1")
        responder.post(hostile())
        done, = responder.wait_state("done")
        (verb, path, scope, body), (_, second, other, _) = amazon.seen
        tap.equal((verb, scope, body), ("PUT", ["eu-central-1", "s3", "aws4_request"], b"out\0\xff" * 50000))
        assert re.fullmatch(r"/bucket/a%20b/c/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ_default_web-1_exec.txt", path), path
        assert re.fullmatch(r"/b/[0-9TZ-]+_default_web-1__tmp_x[%A-Za-z0-9_.~-]+", second), second
        tap.equal(other, ["us-east-1", "s3", "aws4_request"])
        assert "kept in s3://bucket/a b/c/" in done["actions"][0]["result"], done
        assert 'actionner="kubernetes:exec",status="success",output_target="aws:s3"} 1' in responder.get("/metrics"), responder.get("/metrics")
    amazon.close()


def test_a_store_that_is_away_for_a_moment_does_not_run_the_command_again():
    tries = []

    def answer(_method, _path, _headers, body):
        tries.append(body)
        return (503, "slow down") if len(tries) < 3 else (200, "")
    with FakeApi() as api, Service(answer) as service, \
            Responder(api, playbook(kept("aws:s3", bucket="b")),
                      settings=f"aws: {{region: eu, access_key: a, secret_key: b, endpoint: '{service.url}'}}\n") as responder:
        api.commands = lambda call: (b"out", b"", {"status": "Success"})
        api.add_pod("default", "web-1")
        responder.post(alert())
        responder.wait_state("done")
        tap.equal((len(tries), len(api.of("GET", f"{STANDALONE}/exec"))), (3, 1))


class Google(Service):
    """Gives tokens for assertions that openssl verifies, tells where the function is, and takes calls and objects."""

    def __init__(self):
        self.objects, self.payloads = [], []
        super().__init__(self.answer_one)
        account, self.public = make_account(f"{self.url}/token")
        self.account = json.loads(base64.b64decode(account)) | {"project_id": "p"}

    def answer_one(self, _method, path, headers, body):
        token = headers["Authorization"]
        if path == "/token":
            claims = verify(urllib.parse.parse_qs(body.decode())["assertion"][0], self.public, f"{self.url}/token")
            for_one = claims.get("target_audience")
            assert for_one or claims["scope"] == "https://www.googleapis.com/auth/cloud-platform", claims
            return 200, {"id_token": f"id-for-{for_one}"} if for_one else {"access_token": "ya29", "expires_in": 3599}
        if path == "/v2/projects/p/locations/europe-west1/functions/f" and token == "Bearer ya29":
            return 200, {"serviceConfig": {"uri": f"{self.url}/f"}}
        if path == "/f" and token == f"Bearer id-for-{self.url}/f":
            self.payloads.append(body)
            return 200, {"done": True}
        if path.startswith("/upload/storage/v1/b/bucket/o?uploadType=media&name=") and token == "Bearer ya29":
            self.objects.append((path, body))
            return 200, {}
        return 403, {"error": f"{path} {token}"}


def test_google_runs_the_function_and_keeps_the_artifact():
    with FakeApi() as api, Google() as google:
        file = api.folder / "account.json"
        file.write_text(json.dumps(google.account))
        settings = f"gcp: {{region: europe-west1, credentials_path: {file}, endpoint: '{google.url}', storage_endpoint: '{google.url}'}}\n"
        with Responder(api, playbook(action("gcp:function", gcp_function_name="f", gcp_function_timeout=20),
                                     kept("gcp:gcs", bucket="bucket", prefix="a b")), settings=settings) as responder:
            api.commands = lambda call: (b"out", b"", {"status": "Success"})
            api.add_pod("default", "web-1")
            responder.post(hostile())
            done, = responder.wait_state("done")
            tap.equal([one["state"] for one in done["actions"]], ["done", "done"])
            tap.equal(json.loads(google.payloads[0])["output_fields"]["proc.cmdline"], HOSTILE)
            path, body = google.objects[0]
            assert re.search(r"name=a%20b%2F[0-9TZ-]+_default_web-1_exec.txt$", path), path
            tap.equal(body, b"out")


def test_openfaas_knative_and_webhooks_get_the_alert_whole():
    with Receiver() as gateway, Responder(None, playbook(
            action("openfaas:function", function_name="f/../x", function_namespace="ns", gateway=gateway.url,
                   custom_headers={"Authorization": "Basic abc"}),
            action("knative:function", url=f"{gateway.url}/knative"),
            action("webhook:post", url=f"{gateway.url}/hook", custom_headers={"X-Token": "t"}))) as responder:
        one = hostile()
        responder.post(one)
        done, = responder.wait_state("done")
        tap.equal([step["state"] for step in done["actions"]], ["done"] * 3)
        openfaas, knative, hook = gateway.posts
        tap.equal((openfaas["verb"], openfaas["path"], openfaas["headers"]["Authorization"]),
                  ("POST", "/function/f%2F..%2Fx.ns", "Basic abc"))
        tap.equal([knative["headers"][key] for key in ("ce-id", "ce-specversion", "ce-type", "Content-Type")],
                  [one["uuid"], "1.0", "falco.rule.output.v1", "application/json"])
        tap.equal((hook["path"], hook["headers"]["X-Token"]), ("/hook", "t"))
        for post in gateway.posts:
            sent = json.loads(post["body"])
            tap.equal((sent["uuid"], sent["output_fields"]["proc.cmdline"]), (one["uuid"], HOSTILE))


def test_a_function_that_was_not_reached_is_called_later_and_one_that_broke_is_not():
    answers = [503, 200]

    def answer(_method, path, _headers, _body):
        return (answers.pop(0) if path == "/later" else 500), "words of the function"
    with Service(answer) as service:
        for path, state, calls in (("later", "done", 2), ("broken", "failed", 1)):
            service.calls.clear()
            with Responder(None, playbook(action("webhook:post", url=f"{service.url}/{path}"))) as responder:
                responder.post(alert())
                found, = responder.wait_state(state)
                tap.equal(len(service.calls), calls)
                assert "words of the function" in str(found), found


def test_a_script_is_the_shells_program_and_what_the_alert_said_is_its_environment():
    script = 'printf %s "$PROC_CMDLINE" > /tmp/x\necho "$RULE"'
    with FakeApi() as api, Responder(api, playbook(action("kubernetes:script", script=script, shell="/bin/bash"))) as responder:
        api.commands = lambda call: (b"out", b"", {"status": "Success"})
        api.add_pod("default", "web-1")
        responder.post(hostile())
        responder.wait_state("done")
        call, = api.of("GET", f"{STANDALONE}/exec")
        argv = call["query"]["command"]
        tap.equal((argv[0], argv[-3:]), ("env", ["/bin/bash", "-c", script]))
        values = dict(word.split("=", 1) for word in argv[1:-3])
        tap.equal((values["RULE"], values["FD_NAME"]), ("Terminal shell in container", HOSTILE[:2000]))
        # An argument has a ceiling; what is cut is cut, not read.
        assert values["PROC_CMDLINE"] and HOSTILE.startswith(values["PROC_CMDLINE"]), len(values["PROC_CMDLINE"])
        tap.equal(call["stdin"], b"")


def talon_event(rule, pod="web-1", node=NODE, **fields):
    one = alert(rule=rule, pod=pod, node=node, **fields)
    if node != NODE:
        for key in ("k8s.pod.name", "k8s.ns.name"):
            one["output_fields"].pop(key)
    return one


def talon_cluster(api):
    """Each rule has a pod of its own; all are of one owner."""
    api.add("/apis/apps/v1/namespaces/default/replicasets/web", {
        "metadata": {"name": "web"}, "spec": {"replicas": 9, "selector": {"matchLabels": {"app": "web", "pod-template-hash": "x"}}}})
    pods = [api.add_pod("default", f"web-{n}", uid=f"u-{n}", owner=("ReplicaSet", "web")) for n in range(10)]
    api.add(f"/api/v1/nodes/{NODE}", {"metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": "its-name"}}, "spec": {}})
    for name in ("todelete", "default"):
        api.add(f"/api/v1/namespaces/{name}", {"metadata": {"name": name, "uid": f"n-{name}"}})
    api.answers.append(("GET", r".*/pods/[^/]+/log", lambda call: (200, "a line\n")))
    # Who is evicted is gone when the drain looks again.
    api.answers.append(("GET", "/api/v1/pods", lambda call: (200, {"items": [
        one for one in pods[5:6] if not api.of("POST", ".*/eviction")]})))
    api.commands = lambda call: (b"what it said", b"", {"status": "Success"})


TALON = [
    # the alert, and per rule of Talon's: the states of its actions, and what was asked of the API
    (dict(rule="Unexpected outbound connection destination", pod="web-1", **{"fd.rip": "1.2.3.4"}), {
        "Suspicious outbound connection": ["done"], "Calico netpol": ["done", "done"]},
     [("POST", "/apis/cilium.io/v2/namespaces/default/ciliumnetworkpolicies"),
      ("POST", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"),
      ("POST", "/apis/projectcalico.org/v3/namespaces/default/networkpolicies")]),
    (dict(rule="Terminal shell in container", pod="web-2"), {"Terminal shell in container": ["done"]},
     [("DELETE", "/api/v1/namespaces/default/pods/web-2")]),
    (dict(rule="K8s Namespace Created", node="audit", **{
        "ka.target.namespace": "todelete", "ka.target.resource": "namespaces", "ka.target.name": "todelete"}),
     {"Delete unknown namespace": ["done"]}, [("DELETE", "/api/v1/namespaces/todelete")]),
    (dict(rule="Test node drain", pod="web-4"), {"Test node drain": ["done", "done"]},
     [("PATCH", f"/api/v1/nodes/{NODE}"), ("POST", "/api/v1/namespaces/default/pods/web-5/eviction")]),
    (dict(rule="Test delete namespace", node="audit", **{"ka.target.resource": "namespaces", "ka.target.name": "todelete"}),
     {"Delete namespace": ["done"]}, [("DELETE", "/api/v1/namespaces/todelete")]),
    (dict(rule="Test exec", pod="web-6"), {"Test exec": ["done"]}, []),
    (dict(rule="Test download", pod="web-7", **{"fd.name": "/etc/shadow"}), {"Test download": ["done"] * 3}, []),
    (dict(rule="Test tcpdump", pod="web-8"), {"Test tcpdump": ["failed"]}, []),
    (dict(rule="Test sysdig", pod="web-9"), {"Test sysdig": ["failed"]}, []),
    (dict(rule="Test log", pod="web-0"), {"Test log": ["done"]}, []),
]


def test_each_of_talons_own_rules_does_what_it_says():
    shared = os.environ.get("TERCEL_SHARED") or os.path.join(os.path.dirname(__file__), "../../../shared")
    file = os.path.join(shared, "data/talon/rules.yaml")
    if not os.path.exists(file):
        tap.skip("the rules of Talon are not here")
    amazon = Amazon("a/secret")
    settings = amazon_settings(amazon) + (
        f"minio: {{endpoint: '127.0.0.1:{amazon.port}', access_key: AKID, secret_key: a/secret, use_ssl: false}}\n"
        "guard: {cluster_hosts: [audit]}\ndefault_notifiers: []\n")
    with FakeApi() as api, Responder(api, open(file, encoding="utf-8").read(), settings=settings) as responder:
        names = {rule["rule"] for rule in json.loads(responder.get("/rules"))}
        tap.equal(names, {name for _, rules, _ in TALON for name in rules})
        for fields, rules, calls in TALON:
            talon_cluster(api)
            before = len(api.changes())
            known = {one["id"] for one in responder.responses()}
            tap.equal(responder.post(talon_event(**fields)), 200)
            found = tap.wait_for(f"the responses to {fields['rule']}", lambda: len(
                over := [one for one in responder.responses() if one["id"] not in known and one["finished_ms"]]) == len(rules) and over)
            tap.equal({one["rule"]: [step["state"] for step in one["actions"] or []] for one in found}, rules, fields["rule"])
            tap.equal(sorted((call["verb"], call["path"]) for call in api.changes()[before:]), sorted(calls), fields["rule"])
        commands = {call["path"].split("/")[6]: call["query"]["command"] for call in api.of("GET", ".*/exec")}
        tap.equal(commands["web-6"][-1], 'echo "${NODE_HOSTNAME}"')
        assert "NODE_HOSTNAME=its-name" in commands["web-6"], commands
        tap.equal(commands["web-7"], ["cat", "--", "/etc/shadow"])
        tap.equal(sorted((re.sub(r"/[0-9TZ-]+_", "/_", path), body) for _, path, _, body in amazon.seen), [
            ("/falco-talon/files/_default_web-7__etc_shadow", b"what it said"),
            ("/falcosidekick-tests/logs/_default_web-0_log.txt", b"a line\n"),
            ("/falcosidekick-tests/logs/_default_web-7_log.txt", b"a line\n")])
    amazon.close()


LABEL = {"action": "Label <it>", "actionner": "kubernetes:label", "parameters": {"labels": {"a": "b"}}}
GONE = {"action": "gone", "actionner": "kubernetes:label", "parameters": {"level": "node", "labels": {"a": "b"}}}


def run_notified(settings, name, steps=(LABEL, GONE)):
    """A step that goes well and one that fails: there is no such node."""
    with FakeApi() as api, Responder(api, playbook(*steps, notifiers=name), settings=f"default_notifiers: []\n{settings}") as responder:
        api.add_pod("default", "web-1", uid="u-1")
        responder.post(hostile())
        responder.wait_state("failed")
        yield responder


def test_slack_and_webhook_are_told_of_success_and_failure():
    with Receiver() as receiver:
        settings = (f"notifiers: {{slack: {{webhook_url: '{receiver.url}/slack', username: Hawk, icon: 'i.png', footer: f}}, "
                    f"webhook: {{url: '{receiver.url}/hook', http_method: PUT, custom_headers: {{X-A: b}}, user_agent: me}}}}\n")
        for one in run_notified(settings, "slack, webhook"):
            tap.wait_for("four posts", lambda: len(receiver.posts) >= 4)
            for name in ("slack", "webhook"):
                tap.wait_for("the count", lambda: f'tercel_responder_notifications_total{{notifier="{name}",status="success"}} 2' in one.get("/metrics"))
        slack = [json.loads(post["body"]) for post in receiver.posts if post["path"] == "/slack"]
        tap.equal([one["attachments"][0]["color"] for one in slack], ["#23ba47", "#e20b0b"])
        tap.equal((slack[0]["username"], slack[0]["icon_url"], slack[0]["attachments"][0]["footer"]), ("Hawk", "i.png", "f"))
        tap.equal(slack[0]["text"], "[success] Rule: Shell, Action: Label &lt;it&gt;")
        fields = {one["title"]: one["value"] for one in slack[1]["attachments"][0]["fields"]}
        tap.equal((fields["Pod"], fields["Namespace"], fields["Status"]), ("web-1", "default", "failure"))
        assert "404" in fields["Error"], fields
        hooks = [post for post in receiver.posts if post["path"] == "/hook"]
        tap.equal((hooks[0]["verb"], hooks[0]["headers"]["X-A"], hooks[0]["headers"]["User-Agent"]), ("PUT", "b", "me"))
        note = json.loads(hooks[0]["body"])
        tap.equal((note["status"], note["rule"], note["action"], note["actionner"], note["objects"]["pod"], note["event"]["output_fields"]["proc.cmdline"]),
                  ("success", "Shell", "Label <it>", "kubernetes:label", "web-1", HOSTILE))


def test_loki_gets_talons_line_in_a_stream_of_few_labels():
    with Receiver() as receiver:
        for _ in run_notified(f"notifiers: {{loki: {{url: '{receiver.url}', user: u, api_key: k, tenant: t}}}}\n", "loki"):
            tap.wait_for("two pushes", lambda: len(receiver.posts) >= 2)
        post = receiver.posts[1]
        tap.equal((post["path"], post["headers"]["X-Scope-OrgID"], post["headers"]["Authorization"]),
                  ("/loki/api/v1/push", "t", "Basic " + base64.b64encode(b"u:k").decode()))
        stream, = json.loads(post["body"])["streams"]
        tap.equal(stream["stream"], {"source": "tercel-responder", "status": "failure", "message": "action", "rule": "Shell",
                                     "action": "gone", "actionner": "kubernetes:label"})
        (time, line), = stream["values"]
        assert time.isdigit() and len(time) == 19, time
        tap.equal(json.loads(line)["event"]["output_fields"]["proc.cmdline"], HOSTILE)


def test_elasticsearch_gets_its_template_once_and_a_document_each():
    templates = []

    def answer(method, path, headers, body):
        assert headers["Authorization"] == "Basic " + base64.b64encode(b"u:p").decode()
        if method == "PUT":
            templates.append((path, json.loads(body)))
        return (404 if method == "GET" and not templates else 200), {}
    with Service(answer) as service:
        settings = f"notifiers: {{elasticsearch: {{url: '{service.url}', user: u, password: p, number_of_replicas: 1, suffix: monthly}}}}\n"
        for _ in run_notified(settings, "elasticsearch"):
            tap.wait_for("two documents", lambda: len([one for one in service.paths() if one[1].endswith("/_doc")]) >= 2)
        (path, template), = templates
        tap.equal((path, template["index_patterns"]), ("/_index_template/falco-talon", ["falco-talon-*"]))
        tap.equal(template["template"]["settings"], {"number_of_shards": 3, "number_of_replicas": 1})
        method, path, _, body = [one for one in service.calls if one[1].endswith("/_doc")][0]
        assert method == "POST" and re.fullmatch(r"/falco-talon-\d{4}\.\d\d/_doc", path), path
        tap.equal(json.loads(body)["event"]["output_fields"]["proc.cmdline"], HOSTILE)


def test_mails_say_what_was_done_and_take_no_header_from_an_alert():
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        tap.skip("python3-aiosmtpd is not installed")
    mails = []

    class Takes:
        async def handle_DATA(self, server, session, envelope):
            mails.append(envelope)
            return "250 OK"
    controller = Controller(Takes(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        for form in ("html", "text"):
            mails.clear()
            settings = (f"notifiers: {{smtp: {{host_port: '127.0.0.1:{controller.port}', from: a@example.org, "
                        f"to: 'b@example.org,c@example.org', format: {form}, tls: false}}}}\n")
            for _ in run_notified(settings, "smtp", ({**LABEL, "action": "Label <it>\r\nBcc: evil@example.org"}, GONE)):
                tap.wait_for("two mails", lambda: len(mails) >= 2)
            tap.equal((mails[0].mail_from, mails[0].rcpt_tos), ("a@example.org", ["b@example.org", "c@example.org"]))
            parsed = email.message_from_bytes(mails[0].content, policy=email.policy.default)
            tap.equal(parsed["Bcc"], None)
            tap.equal(parsed["Subject"], "[success] Shell Label <it>  Bcc: evil@example.org: default/web-1")
            tap.equal(parsed.get_content_type(), "text/html" if form == "html" else "text/plain")
            text = parsed.get_content()
            assert "web-1" in text and ("&lt;it&gt;" if form == "html" else "Label <it>") in text, text
            assert "404" in email.message_from_bytes(mails[1].content, policy=email.policy.default).get_content()
    finally:
        controller.stop()


def test_a_notifier_that_is_away_is_told_later_and_no_action_waits_for_it():
    answers = [503, 503]

    def answer(*_):
        return (answers.pop(0) if answers else 200), ""
    with Service(answer) as service:
        for _ in run_notified(f"notifiers: {{slack: {{webhook_url: '{service.url}'}}}}\n", "slack"):
            tap.wait_for("four posts", lambda: len(service.calls) >= 4)


def test_a_notifier_that_is_set_wrong_is_named():
    cases = [("smtp: {host_port: 'm:25', from: a@b.c, to: 'b@c.d; x'}", "notifiers.smtp: to must be a mail address"),
             ("loki: {user: a}", "notifiers.loki: url is missing"), ("webhook: {}", "notifiers.webhook: url is missing"), ("slak: {}", "there is no notifier")]
    for settings, words in cases:
        try:
            with Responder(None, playbook(LABEL), settings=f"notifiers: {{{settings}}}\n"):
                raise RuntimeError(f"it runs with {settings}")
        except AssertionError as why:
            assert words in str(why), (words, why)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(f"dry_run: true\ndefault_notifiers: [slack]\nnotifiers: {{{settings}}}\n")
            file.flush()
            checked = subprocess.run([BUILD / "tercel/tercel", "check", file.name], capture_output=True, text=True)
            assert checked.returncode and words in checked.stdout + checked.stderr, checked


if __name__ == "__main__":
    tap.main(globals())

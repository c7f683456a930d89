# SPDX-License-Identifier: Apache-2.0
"""What the forwarder tells about itself and in OpenTelemetry's words: StatsD, DogStatsD, OTLP over HTTP and gRPC, and
/metrics read by Prometheus itself."""
import concurrent.futures
import json
import socket
import subprocess
import sys
import tempfile
import urllib.parse

import tap
from stack import SOURCE, free_port
from test_forwarder import Forwarder, Receiver, alert, numbered
from test_outputs import drained, get_json, hostile, server


class Datagrams:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.sums = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self):
        try:
            while True:
                datagram = self.socket.recv(65536)
                assert len(datagram) <= 1432, len(datagram)
                for line in datagram.decode().splitlines():
                    name, rest = line.split(":", 1)
                    value, _, tags = rest.partition("|c")
                    self.sums[name + tags] = self.sums.get(name + tags, 0) + int(value)
        except TimeoutError:
            return self.sums


def test_statsd_and_dogstatsd_get_each_count_once():
    receiver = Receiver()
    with Datagrams() as plain, Datagrams() as dog, \
            Forwarder(STATSD_FORWARDER=plain.address, STATSD_INTERVAL="100ms", DOGSTATSD_FORWARDER=dog.address,
                      DOGSTATSD_INTERVAL="100ms", DOGSTATSD_TAGS="env:test", WEBHOOK_ADDRESS=receiver.url) as one:
        for _ in range(3):
            tap.equal(one.post([alert(rule) for rule in numbered(100)]), 200)
        one.post("{")
        tap.wait_for("300 alerts in StatsD", lambda: plain.read().get("falcosidekick.falco.accepted.Warning") == 300)
        tap.wait_for("300 sent in StatsD", lambda: plain.read().get("falcosidekick.outputs.webhook.ok") == 300)
        tap.wait_for("the rejected one", lambda: plain.read().get("falcosidekick.inputs.requests.rejected") == 1)
        tap.wait_for("300 alerts in DogStatsD", lambda: dog.read().get(
            "falcosidekick.falco.accepted|#priority:Warning,env:test") == 300)
        tap.wait_for("300 sent in DogStatsD", lambda: dog.read().get(
            "falcosidekick.outputs|#output:webhook,status:ok,env:test") == 300)
        tap.equal(one.output("statsd")["state"], "ok")
    receiver.close()


def load_messages():
    """Python's classes of forwarder/otlp.proto."""
    try:
        import grpc_tools.protoc  # noqa: F401
    except ImportError:
        tap.skip("python3-grpc-tools is not installed")
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={SOURCE}/forwarder",
                    f"--python_out={folder}", "otlp.proto"], check=True, capture_output=True)
    sys.path.insert(0, folder)
    try:
        import otlp_pb2
        return otlp_pb2
    except TypeError as why:  # made by another protobuf than the one that reads it
        tap.skip(str(why).splitlines()[0])
    finally:
        sys.path.remove(folder)


class Collector:
    """OTLP's three services over gRPC."""

    def __init__(self, messages, port=0, status=None):
        import grpc
        self.requests = {"Logs": [], "Trace": [], "Metrics": []}
        self.status = status
        collector = self

        class Handlers(grpc.GenericRpcHandler):
            def service(self, details):
                kind = next(kind for kind in collector.requests
                            if details.method == f"/opentelemetry.proto.collector.{kind.lower()}.v1.{kind}Service/Export")

                def answer(request, context):
                    if collector.status:
                        context.abort(getattr(grpc.StatusCode, collector.status), "not now, please")
                    collector.requests[kind].append(request)
                    return messages.ExportResponse()

                name = {"Logs": "LogsRequest", "Trace": "TracesRequest", "Metrics": "MetricsRequest"}[kind]
                return grpc.unary_unary_rpc_method_handler(
                    answer, request_deserializer=getattr(messages, name).FromString,
                    response_serializer=messages.ExportResponse.SerializeToString)

        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=[Handlers()])
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop(None).wait()


def test_otlp_over_grpc_brings_logs_spans_and_sums():
    try:
        import grpc  # noqa: F401
    except ImportError:
        tap.skip("python3-grpcio is not installed")
    messages = load_messages()
    with Collector(messages, status="UNAVAILABLE") as collector:
        endpoint = f"127.0.0.1:{collector.port}"
        with Forwarder(OTLP_LOGS_ENDPOINT=endpoint, OTLP_LOGS_PROTOCOL="grpc", OTLP_TRACES_ENDPOINT=endpoint,
                       OTLP_TRACES_PROTOCOL="grpc", OTLP_METRICS_ENDPOINT=endpoint, OTLP_METRICS_PROTOCOL="grpc",
                       OTLP_METRICS_INTERVAL="200ms") as one:
            tap.equal(one.post([hostile("a rule", 1), alert("pod", source="syscall", output_fields={
                "k8s.ns.name": "my-ns", "k8s.pod.name": "my-pod-name", "evt.time": 2**63 - 1})]), 200)
            tap.wait_for("the failure", lambda: one.output("otlplogs")["state"] != "ok")
            assert "grpc-status 14: not%20now" in one.output("otlplogs")["last_error"].replace(" now", "%20now"), \
                one.output("otlplogs")
            collector.status = None
            drained(one, "otlplogs")
            drained(one, "otlptraces")
            records = [record for request in collector.requests["Logs"] for resource in request.resource_logs
                       for scope in resource.scope_logs for record in scope.log_records]
            tap.equal(len(records), 2)
            found = {a.key: a.value for a in records[0].attributes}
            tap.equal(found["evt.time"].int_value, 1622308709082520347)
            tap.equal(found["evt.big"].string_value, "18446744073709551615")
            spans = [span for request in collector.requests["Trace"] for resource in request.resource_spans
                     for scope in resource.scope_spans for span in scope.spans]
            tap.equal([(span.name, span.trace_id.hex()) for span in spans],
                      [("pod", "087e7ab4196a3c4801e3c23bc1406163")])

            def matches():
                return sum(point.as_int for request in collector.requests["Metrics"][-1:]
                           for resource in request.resource_metrics for scope in resource.scope_metrics
                           for metric in scope.metrics if metric.name == "falcosecurity_falco_rules_matches_total"
                           for point in metric.sum.data_points)

            tap.wait_for("the sums", lambda: matches() == 2)


def test_otlp_over_http_brings_protobuf():
    messages = load_messages()
    receiver = Receiver()
    with Forwarder(OTLP_LOGS_ENDPOINT=f"http://127.0.0.1:{receiver.port}", OTLP_LOGS_PROTOCOL="http/protobuf") as one:
        tap.equal(one.post(hostile("a rule", 1)), 200)
        drained(one, "otlplogs")
        headers, body = receiver.requests[0]
        tap.equal(headers["Content-Type"], "application/x-protobuf")
        record = messages.LogsRequest.FromString(body).resource_logs[0].scope_logs[0].log_records[0]
        tap.equal(record.time_unix_nano, 1795514401123456789)
        assert record.body.string_value.startswith('1: a "quote"'), record.body
    receiver.close()


def test_prometheus_reads_the_metrics():
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    receiver = Receiver()
    with Forwarder(WEBHOOK_ADDRESS=receiver.url, PROMETHEUS_EXTRALABELS="proc.name") as one:
        tap.equal(one.post([hostile("a rule", 1), alert("plain"), alert("plain")]), 200)
        drained(one, "webhook")

        def write(folder):
            (folder / "conf").write_text(json.dumps({"scrape_configs": [
                {"job_name": "tercel", "scrape_interval": "1s",
                 "static_configs": [{"targets": [f"127.0.0.1:{one.port}"]}]}]}))

        def command(folder):
            return [f"--config.file={folder}/conf", f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address=127.0.0.1:{port}"]

        def ask(text):
            found = get_json(f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": text}))["data"]["result"]
            return {result["metric"].get("rule", ""): result["value"][1] for result in found}

        with server("prometheus", write, command, f"{url}/-/ready"):
            tap.wait_for("a scrape", lambda: ask('up{job="tercel"} == 1'), 60)
            tap.equal(ask("falcosecurity_falcosidekick_falco_events_total"), {"a rule": "1", "plain": "2"})
            tap.equal(ask('falcosecurity_falcosidekick_outputs_total{destination="webhook",status="ok"}'), {"": "3"})
            tap.equal(ask('falcosecurity_falcosidekick_inputs_total{status="accepted"}'), {"": "3"})
    receiver.close()


if __name__ == "__main__":
    tap.main(globals())

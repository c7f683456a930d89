# SPDX-License-Identifier: Apache-2.0
"""All outputs at once: with Falcosidekick's own sample file and every output switched on the forwarder starts, says how
each of them is, and needs little memory."""
import json
import os
import pathlib
import re
import subprocess

import tap
from stack import BUILD, SOURCE, free_port
from test_forwarder import Forwarder

SAMPLE = pathlib.Path(os.environ.get("TERCEL_SHARED", SOURCE / "../shared")) / "data/falcosidekick-config.yaml"
HTTP = "http://127.0.0.1:{port}"
# What switches an output on, where its first key alone does not; {port} is one where nobody listens.
MORE = {
    "aws": {"AWS_REGION": "eu-central-1", "AWS_ACCESSKEYID": "a", "AWS_SECRETACCESSKEY": "b"},
    "azure": {"AZURE_EVENTHUB_NAMESPACE": "space", "AZURE_EVENTHUB_SHAREDACCESSKEYNAME": "n",
              "AZURE_EVENTHUB_SHAREDACCESSKEY": "k", "AZURE_EVENTHUB_ENDPOINT": HTTP},
    "gcp": {"GCP_PUBSUB_TOPIC": "t", "GCP_CLOUDRUN_JWT": "j", "GCP_CHRONICLE_INSTANCEID": "i",
            "GCP_CHRONICLE_REGION": "eu", "GCE_METADATA_HOST": "127.0.0.1:{port}"},
    "yandex": {"YANDEX_ACCESSKEYID": "a", "YANDEX_SECRETACCESSKEY": "b"},
    "smtp": {"SMTP_FROM": "a@b.c", "SMTP_TO": "a@b.c"},
    "telegram": {"TELEGRAM_CHATID": "1"},
    "kubeless": {"KUBELESS_NAMESPACE": "n"},
    "wavefront": {"WAVEFRONT_ENDPOINTHOST": "127.0.0.1:{port}"},
    "grafana": {"GRAFANA_APIKEY": "k"},
    "dynatrace": {"DYNATRACE_APIURL": HTTP},
    "slack": {"SLACK_WEBHOOKURL": HTTP},
    "kafka": {"KAFKA_TOPIC": "t"},
    "rabbitmq": {"RABBITMQ_QUEUE": "q"},
}
VALUES = {"kafka.hostport": "127.0.0.1:{port}", "nats.hostport": "nats://127.0.0.1:{port}",
          "mqtt.broker": "tcp://127.0.0.1:{port}", "rabbitmq.url": "amqp://127.0.0.1:{port}",
          "redis.address": "127.0.0.1:{port}", "smtp.hostport": "127.0.0.1:{port}",
          "statsd.forwarder": "127.0.0.1:{port}", "dogstatsd.forwarder": "127.0.0.1:{port}",
          "policyreport.enabled": "true", "gcp.chronicle.projectid": "p", "slack.channel": "c", "wavefront.endpointtype": "proxy", "telegram.token": "t",
          "syslog.host": "127.0.0.1", "logstash.address": "127.0.0.1", "timescaledb.host": "127.0.0.1",
          "aws.sns.topicarn": "arn:aws:sns:eu-central-1:1:t"}


def references():
    return json.loads(subprocess.run([BUILD / "tercel/tercel", "outputs", "--json"], check=True,
                                     capture_output=True, text=True).stdout)


def everything(port):
    """An environment that switches each output of `tercel outputs` on."""
    found = {"AWS_SECURITYLAKE_BUCKET": "b", "STAN_HOSTPORT": "nats://127.0.0.1:1"}
    for output in references():
        key = f"{output['key']}.{output['settings'][0]}"
        found[key.upper().replace(".", "_")] = VALUES.get(key, HTTP)
    for more in MORE.values():
        found.update(more)
    return {key: value.format(port=port) for key, value in found.items()}


def need_sample():
    if not SAMPLE.exists():
        tap.skip(f"no {SAMPLE}")


def test_the_check_of_all_says_nothing_but_the_two_that_are_not_here():
    need_sample()
    got = subprocess.run([BUILD / "tercel/tercel", "check", SAMPLE], capture_output=True, text=True,
                         env={"PATH": os.environ["PATH"], **everything(free_port())})
    lines = [line for line in (got.stdout + got.stderr).splitlines() if re.match("warning|error", line)]
    tap.equal([re.search(r"output (\S+) is configured, but", line).group(1) if "is configured" in line else line
               for line in lines], ["aws.securitylake", "stan"])
    tap.equal(got.returncode, 0, got.stdout)


def test_the_forwarder_starts_with_all_of_them_and_says_how_each_is():
    need_sample()
    with Forwarder(config=SAMPLE.read_text(encoding="utf-8"), **everything(free_port())) as one:
        states = {output["name"]: output["state"]
                  for output in json.loads(one.request("GET", "/api/outputs", unix=True)[1])}
        tap.equal(sorted(states), sorted(output["name"] for output in references()))
        status = pathlib.Path(f"/proc/{one.process.pid}/status").read_text(encoding="utf-8")
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        print(f"# {len(states)} outputs, configured and idle: {resident / 1024:.1f} MB",
              flush=True)


if __name__ == "__main__":
    tap.main(globals())

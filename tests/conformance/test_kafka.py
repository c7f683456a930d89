#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real Kafka broker, its own controller (KRaft): alerts are read back by Kafka's own consumer. Broker and
consumer come from Maven Central, once, into the cache."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "system"))
import tap
from machine import CACHE
from stack import free_port
from test_brokers import Server, outage
from test_tls import authorities, takes_the_right_and_not_the_wrong

KAFKA = "4.1.1"
PARTS = ("kafka_2.13", "kafka-tools")
SETTINGS = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=ALERTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},INSIDE://127.0.0.1:{inside}
advertised.listeners=ALERTS://127.0.0.1:{port},INSIDE://127.0.0.1:{inside}
inter.broker.listener.name=INSIDE
listener.security.protocol.map=ALERTS:{protocol},CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT
log.dirs={folder}/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
num.partitions=3
"""
TLS = """ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={authority}
ssl.client.auth=required
"""


def classes():
    """The class path of the broker and its tools."""
    folder = CACHE / f"kafka-{KAFKA}"
    if not folder.exists():
        if not shutil.which("mvn"):
            tap.skip("Maven, which brings Kafka's broker, is not installed")
        with tempfile.TemporaryDirectory() as work:
            wanted = "".join(f"<dependency><groupId>org.apache.kafka</groupId><artifactId>{part}</artifactId>"
                             f"<version>{KAFKA}</version></dependency>" for part in PARTS)
            pathlib.Path(work, "pom.xml").write_text(
                "<project><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>kafka</artifactId>"
                f"<version>1</version><packaging>pom</packaging><dependencies>{wanted}</dependencies></project>")
            answer = subprocess.run(["mvn", "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={work}/jars"],
                                    cwd=work, capture_output=True, text=True)
            if answer.returncode:
                tap.skip(f"Maven Central gives no Kafka {KAFKA}: {answer.stdout.strip()[-300:]}")
            CACHE.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{work}/jars", folder)
    return f"{folder}/*"


def java(*arguments):
    return subprocess.run(["java", "-cp", classes(), *arguments], check=True, capture_output=True, text=True,
                          timeout=120).stdout


class Broker(Server):
    """`port` is for alerts, under the protocol; INSIDE, without one, is what the test reads by."""

    def __init__(self, protocol="PLAINTEXT", right=None):
        path = classes()
        port, controller, self.inside = free_port(), free_port(), free_port()
        folder = tempfile.mkdtemp(prefix="tercel-server-")
        settings = pathlib.Path(folder, "server.properties")
        text = SETTINGS.format(port=port, controller=controller, inside=self.inside, protocol=protocol, folder=folder)
        if right:
            pem = "".join(pathlib.Path(one).read_text() for one in (right.server_key, right.server_crt))
            pathlib.Path(folder, "server.pem").write_text(pem)
            text += TLS.format(folder=folder, authority=right.ca_crt)
        settings.write_text(text)
        java("kafka.tools.StorageTool", "format", "-t", uuid.uuid4().hex[:22], "-c", str(settings))
        super().__init__("java", "-Xmx512m", "-cp", path, "kafka.Kafka", str(settings), port=port, folder=folder)

    def alerts(self):
        """All that the topic holds."""
        out = java("org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", f"127.0.0.1:{self.inside}",
                   "--topic", "alerts", "--from-beginning", "--timeout-ms", "5000")
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def settings(broker, **more):
    return {"KAFKA_HOSTPORT": f"127.0.0.1:{broker.port}", "KAFKA_TOPIC": "alerts", **more}


def test_alerts_before_during_and_after_an_outage_are_read_back():
    broker = Broker()
    outage("kafka", broker, settings(broker), broker.alerts)


def test_alerts_arrive_over_tls_with_the_right_certificate_alone():
    with authorities() as (right, wrong), Broker("SSL", right) as broker:
        takes_the_right_and_not_the_wrong("kafka", right, wrong, broker.alerts, **settings(broker, KAFKA_TLS="true"))


if __name__ == "__main__":
    tap.main(globals())

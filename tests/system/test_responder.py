# SPDX-License-Identifier: Apache-2.0
"""The responder before an API server that records what it is asked."""
import json
import os
import signal
import time

import tap
from responder import FakeApi, NODE, Receiver, Responder, TOKEN, alert

LABEL = """
- rule: Shell
  match:
    rules: [Terminal shell in container]
  actions:
    - action: Label it
      actionner: kubernetes:label
      parameters:
        labels: {suspicious: "true", old: ""}
"""
POD = "/api/v1/namespaces/default/pods/web-1"


def test_an_alert_labels_the_pod():
    with FakeApi() as api, Responder(api, LABEL) as responder:
        api.add_pod("default", "web-1", uid="u-1", labels={"app": "web", "old": "1"})
        tap.equal(responder.post(alert()), 200)
        call = api.wait("PATCH", POD)
        tap.equal(call["body"], {"metadata": {"uid": "u-1", "labels": {"suspicious": "true", "old": None}}})
        tap.equal(call["media"], "application/merge-patch+json")
        tap.equal(call["token"], "Bearer cluster-token")
        done, = responder.wait_state("done")
        tap.equal((done["pod_uid"], done["node"], done["actions"][0]["state"]), ("u-1", NODE, "done"))
        event = api.wait("POST", "/api/v1/namespaces/default/events")
        tap.equal(event["body"]["reason"], "tercel:action:kubernetes:label:success")
        tap.equal(event["body"]["involvedObject"]["uid"], "u-1")
        tap.equal([line["what"] for line in responder.audit()], ["success"])
        assert 'tercel_responder_actions_total{rule="Shell",action="Label it",actionner="kubernetes:label",status="success"} 1' \
            in responder.get("/metrics"), responder.get("/metrics")


if __name__ == "__main__":
    tap.main(globals())

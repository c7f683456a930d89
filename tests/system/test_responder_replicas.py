# SPDX-License-Identifier: Apache-2.0
"""Two responders before one API server: one leads, and when it is gone the other knows all that it did and began.
Each test runs against the API that records; tests/conformance/test_responder.py runs them against a real one."""
import contextlib
import json
import signal

import tap
from responder import FakeApi, Responder, alert

SETTINGS = "deduplication: {leader_election: true}\nlease_duration: 2s\n"
PODS = "/api/v1/namespaces/default/pods"
SHARED = "/api/v1/namespaces/tercel/configmaps"

PLAYBOOK = """
- rule: Shell
  match: {rules: [Terminal shell in container]}
  limit: 3/1h
  actions: [{action: l, actionner: kubernetes:label, parameters: {labels: {suspicious: "true"}}}]
- rule: Ask
  match: {rules: [Ask]}
  confirm: true
  actions: [{action: l, actionner: kubernetes:label, parameters: {labels: {asked: "true"}}}]
- rule: Held
  match: {rules: [Held]}
  expires: 5s
  actions: [{action: l, actionner: kubernetes:label, parameters: {labels: {held: "true"}}}]
- rule: Slow
  match: {rules: [Slow]}
  actions:
    - {action: first, actionner: kubernetes:exec, parameters: {command: id}, continue: "true"}
    - {action: second, actionner: kubernetes:label, parameters: {labels: {slow: "true"}}}
"""


class Replicas:
    """Sends as a Service does: to the one that is ready."""

    def __init__(self, *all_of):
        self.all_of = all_of

    def leader(self):
        for one in self.all_of:
            with contextlib.suppress(OSError):
                if one.process.poll() is None and one.call("GET", "/readyz")[0] == 200:
                    return one
        return None

    def wait_leader(self, other_than=None):
        return tap.wait_for("a leader", lambda: (one := self.leader()) and one is not other_than and one)

    def post(self, body):
        """As the forwarder's journal: until it is taken."""
        def try_once():
            one = self.leader()
            with contextlib.suppress(OSError):
                return one and one.post(body) == 200
        tap.wait_for("the alert to be taken", try_once)


@contextlib.contextmanager
def replicas(api):
    with Responder(api, PLAYBOOK, settings=SETTINGS) as first, Responder(api, PLAYBOOK, settings=SETTINGS) as second:
        yield Replicas(first, second)


def changes_of(api, name):
    return [call for call in api.changes() if call["path"] == f"{PODS}/{name}"]


def test_one_leads_and_when_it_is_killed_the_other_takes_over_and_does_nothing_twice():
    with FakeApi() as api, replicas(api) as both:
        leader = both.wait_leader()
        standby = next(one for one in both.all_of if one is not leader)
        tap.equal((standby.post(alert()), standby.call("GET", "/readyz")[0], standby.get("/healthz")),
                  (503, 503, '{"status": "ok"}'))
        for number in range(2):
            api.add_pod("default", f"web-{number}", uid=f"u-{number}")
            both.post(alert(pod=f"web-{number}"))
        leader.wait_state("done", 2)
        held = alert(rule="Ask", pod="web-0")
        both.post(held)
        waiting, = leader.wait_state("waiting")
        leader.stop(signal.SIGKILL)
        both.wait_leader(leader)
        # The same alerts, and others of the same pods.
        for number in range(2):
            both.post(alert(pod=f"web-{number}"))
        both.post(held)
        tap.equal([(one["id"], one["state"]) for one in standby.responses(state="waiting")], [(waiting["id"], "waiting")])
        tap.equal([len(changes_of(api, f"web-{number}")) for number in range(2)], [1, 1])
        # Limits count what the other did: one more of three.
        for number in (2, 3):
            api.add_pod("default", f"web-{number}")
            both.post(alert(pod=f"web-{number}"))
        standby.wait_state("done", 3)
        refused, = standby.wait_state("refused")
        assert "the limit of the rule: 3" in refused["why"], refused
        # What waited for approval is approved by somebody who asks the new one.
        tap.equal(standby.call("POST", f"/api/responses/{waiting['id']}/approve", {})[0], 202)
        tap.wait_for("the approved label", lambda: len(changes_of(api, "web-0")) == 2)
        # The first comes back, and stands by.
        leader.start()
        tap.equal(leader.call("GET", "/readyz")[0], 503)
        both.post(alert(pod="web-1"))
        tap.equal(len(changes_of(api, "web-1")), 1)


def test_what_expires_is_undone_by_whoever_leads_then():
    with FakeApi() as api, replicas(api) as both:
        api.add_pod("default", "web-1", uid="u-1")
        leader = both.wait_leader()
        both.post(alert(rule="Held"))
        leader.wait_state("done")
        leader.stop(signal.SIGKILL)
        other = both.wait_leader(leader)
        other.wait_state("undone", seconds=60)
        tap.equal([call["body"]["metadata"]["labels"]["held"] for call in changes_of(api, "web-1")], ["true", None])


def test_a_leader_that_was_stopped_and_wakes_up_goes_no_further():
    """SIGSTOP while an action is under way: the other takes over; the first wakes up, and must not do the next."""
    with FakeApi() as api, replicas(api) as both:
        api.add_pod("default", "web-1", uid="u-1")
        leader = both.wait_leader()
        under_way = []

        def commands(call):
            under_way.append(call)
            tap.wait_for("the other to lead", lambda: both.leader() not in (None, leader)) if len(under_way) == 1 else None
            return b"", b"", {"status": "Success"}
        api.commands = commands
        both.post(alert(rule="Slow"))
        tap.wait_for("the command to be under way", lambda: under_way)
        leader.process.send_signal(signal.SIGSTOP)
        try:
            other = both.wait_leader(leader)
            # It may have been done, so it is not done again.
            failed, = other.wait_state("failed")
            assert "it is not done again" in failed["why"], failed
        finally:
            leader.process.send_signal(signal.SIGCONT)
        tap.wait_for("the first to find out", lambda: "another replica has taken response" in leader.logged())
        tap.equal((len(under_way), changes_of(api, "web-1")), (1, []))
        tap.wait_for("the first to stand by", lambda: leader.call("GET", "/readyz")[0] == 503)


def test_while_the_api_server_is_away_nothing_is_taken_and_afterwards_all_is_done_once():
    with FakeApi() as api, replicas(api) as both:
        api.add_pod("default", "web-1", uid="u-1")
        leader = both.wait_leader()
        api.is_down = True
        tap.equal(leader.post(alert()), 503)
        tap.wait_for("the leader to stand by", lambda: not both.leader())
        api.is_down = False
        both.post(alert())
        both.wait_leader().wait_state("done")
        tap.equal(len(changes_of(api, "web-1")), 1)


def test_what_was_shared_goes_when_it_never_acted():
    with FakeApi() as api, replicas(api) as both:
        both.post(alert(pod="gone"))
        both.wait_leader().wait_state("refused")
        tap.wait_for("it to go", lambda: not [path for path in list(api.objects) if path.startswith(SHARED)])
        api.add_pod("default", "web-1", uid="u-1")
        one = alert()
        both.post(one)
        both.wait_leader().wait_state("done")
        shared, = [thing for path, thing in list(api.objects.items()) if path.startswith(SHARED)]
        kept = json.loads(shared["data"]["response"])
        tap.equal((kept["rule"], kept["state"], kept["pod_uid"], kept["alert"]["uuid"]), ("Shell", "done", "u-1", one["uuid"]))


def test_a_replica_that_ends_gives_the_lease_back():
    with FakeApi() as api, replicas(api) as both:
        leader = both.wait_leader()
        leader.stop()
        lease, = [thing for path, thing in api.objects.items() if "/leases/" in path]
        assert lease["spec"]["holderIdentity"] == "" or both.leader(), lease
        both.wait_leader(leader)


if __name__ == "__main__":
    tap.main(globals())

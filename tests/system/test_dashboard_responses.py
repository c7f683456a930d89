# SPDX-License-Identifier: Apache-2.0
"""What the dashboard shows and decides of the responder's responses, with the real responder."""
import http.server
import json
import pathlib
import threading
import urllib.parse

import tap
from responder import FakeApi, Responder, TOKEN, alert
from test_dashboard import Dashboard, basic
from test_dashboard_access import People
from test_responder import LABEL, POD

CONFIRM = LABEL.replace("  match:", "  confirm: true\n  match:")
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[31m"


def arguments(responder, token=TOKEN):
    return {"environment": {"TERCEL_DASHBOARD_RESPONDER": f"http://127.0.0.1:{responder.port}",
                            "TERCEL_DASHBOARD_RESPONDERTOKEN": token}}


def responses(board, headers=None, **parameters):
    status, _, content = board.ask("GET", f"/api/v2/responses?{urllib.parse.urlencode(parameters)}", headers=headers)
    answer = json.loads(content)
    tap.equal(status, 200, answer)
    return answer


def decide(board, headers, number, decision):
    status, _, content = board.ask("POST", f"/api/v2/decide?response={number}&decision={decision}", headers=headers,
                                   login=False)
    return status, json.loads(content)["error"] if content else ""


def only(board, headers, state):
    found = tap.wait_for(state, lambda: responses(board, headers, state=state)["responses"])
    tap.equal(len(found), 1, state)
    return found[0]


def test_an_operator_approves_and_undoes_and_a_viewer_looks():
    with FakeApi() as api, Responder(api, CONFIRM) as responder, People(**arguments(responder)) as board:
        api.add_pod("default", "web-1", uid="u-1", labels={"app": "web"})
        eve, bob = board.sign_in("eve"), board.sign_in("bob")
        tap.equal(responder.post(alert()), 200)
        waiting = only(board, eve, "waiting")
        tap.equal((waiting["decisions"], waiting["namespace"], waiting["pod"], waiting["rule"],
                   waiting["alert"]["rule"], waiting["alert"]["output"]),
                  (["approve", "reject"], "default", "web-1", "Shell", "Terminal shell in container", "a shell was started"))
        tap.equal(decide(board, eve, waiting["id"], "approve"),
                  (403, "only an operator may do this; you may look (viewer)"))
        tap.equal(decide(board, {}, waiting["id"], "approve")[0], 401)
        tap.equal(decide(board, {**bob, "Sec-Fetch-Site": "cross-site"}, waiting["id"], "approve")[0], 403)
        tap.equal(api.changes(), [], "nothing was done yet")

        tap.equal(decide(board, bob, waiting["id"], "undo")[0], 409)
        tap.equal(decide(board, bob, waiting["id"], "approve"), (204, ""))
        done = only(board, eve, "done")
        tap.equal((done["decided_by"], done["decisions"], done["actions"][0]["state"]), ("bob", ["undo"], "done"))
        assert "memory" not in done["actions"][0], done
        tap.equal(decide(board, bob, waiting["id"], "undo"), (204, ""))
        only(board, eve, "undone")
        tap.equal(api.objects[POD]["metadata"]["labels"], {"app": "web"})
        assert any('user "bob" decides of response' in line.replace("\\", "") for line in board.lines), board.lines

        for number, decision, want in ((1, "approve", 404), ("x", "approve", 400), (waiting["id"], "delete", 400),
                                       ("", "", 400), (f"{waiting['id']}/../../x", "approve", 400)):
            tap.equal(decide(board, bob, number, decision)[0], want, (number, decision))


def test_what_was_held_back_says_why_and_is_found_by_its_pod():
    with FakeApi() as api, Responder(api, LABEL) as responder, Dashboard(**arguments(responder)) as board:
        api.add_pod("default", "web-1", uid="u-1")
        api.add_pod("kube-system", "web-1", uid="u-2")
        responder.post(alert())
        responder.post(alert("kube-system", "web-1"))
        done, held = only(board, None, "done"), only(board, None, "refused")
        assert "kube-system" in held["why"], held
        tap.equal([one["id"] for one in responses(board)["responses"]], [held["id"], done["id"]])
        tap.equal([one["id"] for one in responses(board, namespace="default", pod="web-1")["responses"]], [done["id"]])
        tap.equal([one["id"] for one in responses(board, namespace="kube-system")["responses"]], [held["id"]])
        tap.equal(responses(board, pod="web-1' OR '1'='1")["responses"], [])
        tap.equal(responses(board, pod="a&state=done")["responses"], [])
        tap.equal([one["id"] for one in responses(board, limit=1)["responses"]], [held["id"]])
        tap.equal([one["id"] for one in responses(board, before=held["id"])["responses"]], [done["id"]])


def test_hostile_text_of_an_alert_stays_text():
    with FakeApi() as api, Responder(api, LABEL) as responder, Dashboard(**arguments(responder)) as board:
        api.add_pod("default", "web-1", uid="u-1")
        responder.post({**alert(), "output": HOSTILE + "x" * 64000})
        found = only(board, None, "done")
        assert found["alert"]["output"].startswith(HOSTILE) and len(found["alert"]["output"]) <= 1000, found["alert"]


def test_without_a_responder_it_says_so():
    with Dashboard() as board:
        tap.equal(responses(board), {"is_configured": False, "error": None, "leads": False, "dry_run": False,
                                     "responses": []})
        status, words = decide(board, {"Authorization": basic("admin:pass:word")}, 1, "approve")
        tap.equal(status, 404)
        assert "--responder" in words, words


def test_a_responder_that_does_not_answer_or_does_not_know_us_is_told_apart():
    with Dashboard(environment={"TERCEL_DASHBOARD_RESPONDER": "http://127.0.0.1:9"}) as board:
        answer = responses(board)
        tap.equal((answer["is_configured"], answer["responses"]), (True, []))
        assert answer["error"], answer
        status, words = decide(board, {"Authorization": basic("admin:pass:word")}, 1, "approve")
        tap.equal(status, 502)
        assert "cannot be reached" in words, words
    with FakeApi() as api, Responder(api, LABEL) as responder, Dashboard(**arguments(responder, "other")) as board:
        assert "401" in responses(board)["error"], responses(board)
        tap.equal(decide(board, {"Authorization": basic("admin:pass:word")}, 1, "approve")[0], 502)


class Replicas(http.server.BaseHTTPRequestHandler):
    """A Service before three replicas: each connection reaches another one, and the last of them acts."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.reached += 1
        self.leads = self.server.reached % 3 == 0

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.bodies.append((self.leads, self.rfile.read(length)))
        said = {"leads": self.leads, "dry_run": False, "responses": [{"id": 7}] if self.leads else []}
        text = json.dumps(said if self.command == "GET" else {"error": "another replica leads"}).encode()
        self.send_response(200 if self.command == "GET" else 202 if self.leads else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def test_of_several_replicas_the_one_that_acts_is_found():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Replicas)
    server.reached, server.bodies = 0, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Dashboard(environment={"TERCEL_DASHBOARD_RESPONDER": f"http://127.0.0.1:{server.server_port}"}) as board:
            answer = responses(board)
            tap.equal((answer["leads"], [one["id"] for one in answer["responses"]]), (True, [7]))
            tap.equal(decide(board, {"Authorization": basic("admin:pass:word")}, 7, "approve"), (204, ""))
            posts = [(leads, json.loads(body)) for leads, body in server.bodies if body]
            tap.equal(posts, [(False, {"by": "admin"}), (False, {"by": "admin"}), (True, {"by": "admin"})])
    finally:
        server.shutdown()
        server.server_close()


def test_an_event_shows_its_rules_text():
    with Dashboard("--rules", "/nothing.yaml") as board:
        file = pathlib.Path(board.folder, "rules.yaml")
        file.write_text("- macro: m\n  condition: evt.type=open\n\n# why\n- rule: A <b>rule</b>\n  condition: m\n", encoding="utf-8")
        board.stop()
        board.arguments = ("--rules", str(file), "--rules", "/nothing.yaml")
        board.start()
        status, answer = board.get("/api/v2/rule?" + urllib.parse.urlencode({"rule": "A <b>rule</b>"}))
        tap.equal((status, answer["is_configured"], answer["texts"]),
                  (200, True, [{"file": "rules.yaml", "line": 5, "text": "- rule: A <b>rule</b>\n  condition: m\n"}]))
        assert "/nothing.yaml" in answer["error"], answer
        tap.equal(board.get("/api/v2/rule?rule=x")[1]["texts"], [])
    with Dashboard() as board:
        tap.equal(board.get("/api/v2/rule?rule=x")[1], {"is_configured": False, "texts": [], "error": None})


if __name__ == "__main__":
    tap.main(globals())

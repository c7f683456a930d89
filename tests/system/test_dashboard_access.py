# SPDX-License-Identifier: Apache-2.0
"""Who may do what on the dashboard: roles, a proxy's word, sessions, cross-site requests, tercel user."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import tap
from stack import BUILD
from test_dashboard import Dashboard, basic, event, run_once

TERCEL = str(BUILD / "tercel/tercel")

# What only an operator may do; the test of the whole document finds what is missing here.
ACTS = ["/api/v2/test?forwarder=http://x&output=slack", "/api/v2/decide?response=x&decision=approve"]


def user_line(name, password, role):
    result = subprocess.run([TERCEL, "user", "line", name, "--role", role], input=password + "\n", text=True,
                            capture_output=True, check=True)
    return result.stdout


class People(Dashboard):
    """A dashboard with a viewer "eve" and an operator "bob", both with the password "pass:word"."""

    def __init__(self, *arguments, **more):
        self.people = tempfile.mkdtemp(prefix="tercel-test-")
        self.file = pathlib.Path(self.people, "users")
        self.write(user_line("eve", "pass:word", "viewer"), user_line("bob", "pass:word", "operator"))
        super().__init__("--users-file", str(self.file), *arguments, login=None, **more)

    def write(self, *lines):
        following = self.file.with_suffix(".next")
        following.write_text("".join(lines), encoding="utf-8")
        following.rename(self.file)

    def __exit__(self, *rest):
        super().__exit__(*rest)
        shutil.rmtree(self.people)

    def sign_in(self, user, password="pass:word", **more):
        body = json.dumps({"user": user, "password": password})
        status, headers, _ = self.ask("POST", "/api/v2/login", body, login=False, **more)
        tap.equal(status, 204, user)
        return {"Cookie": headers["Set-Cookie"].split(";")[0]}

    def session(self, headers):
        status, _, content = self.ask("GET", "/api/v2/session", headers=headers, login=False)
        return status, json.loads(content)


def error_of(answer):
    status, _, content = answer
    return status, json.loads(content)["error"]


def test_a_viewer_looks_and_an_operator_acts():
    with People() as board:
        board.post([event(number) for number in range(3)])
        for user, role in (("eve", "viewer"), ("bob", "operator")):
            for headers in (board.sign_in(user), {"Authorization": basic(f"{user}:pass:word")}):
                status, answer = board.session(headers)
                tap.equal((status, answer["user"], answer["role"], answer["known_by"], answer["login"]),
                          (200, user, role, "login", True))
                for path in ("events", "overview", "facets?fields=rule", "status", "settings", "access", "forwarders",
                             "openapi.json"):
                    tap.equal(board.ask("GET", f"/api/v2/{path}", headers=headers, login=False)[0], 200, path)
                for path in ACTS:
                    status, _, content = board.ask("POST", path, headers=headers, login=False)
                    if role == "viewer":
                        tap.equal((status, json.loads(content)["error"]),
                                  (403, "only an operator may do this; you may look (viewer)"), path)
                    else:
                        assert status not in (401, 403), (path, status, content)
        for path in ACTS:
            tap.equal(board.ask("POST", path, login=False)[0], 401, path)


def test_every_post_of_the_api_is_for_operators_or_about_ones_own_session():
    """What the document says, held against a viewer: nothing that changes anything is left open."""
    own = {"/api/v2/login", "/api/v2/logout", "/api/v2/sessions/end"}
    with People() as board:
        document = json.loads(board.ask("GET", "/api/v2/openapi.json", headers=board.sign_in("bob"), login=False)[2])
        posts = {path for path, acts in document["paths"].items() if "post" in acts}
        assert own < posts, posts
        eve = board.sign_in("eve")
        for path in posts - own:
            tap.equal(board.ask("POST", path, headers=eve, login=False)[0], 403, path)
            assert "403" in document["paths"][path]["post"]["responses"], path


def test_without_login_all_are_viewers_until_somebody_says_otherwise():
    with Dashboard("--no-login", login=None) as board:
        tap.equal(error_of(board.ask("POST", ACTS[0]))[0], 403)
        tap.equal(board.get("/api/v2/session")[1]["role"], "viewer")
    with Dashboard("--no-login", "--no-login-role", "operator", login=None) as board:
        tap.equal(board.get("/api/v2/session")[1]["role"], "operator")
        tap.equal(board.ask("POST", ACTS[0])[0], 400, "no such forwarder")


def test_the_old_flag_makes_an_operator():
    with Dashboard() as board:
        tap.equal(board.get("/api/v2/session")[1], {"user": "admin", "role": "operator", "known_by": "login",
                                                    "login": True})
        tap.equal(board.get("/api/v2/access")[1]["users"], [{"name": "admin", "role": "operator"}])
        tap.equal(board.get("/api/v1/config")[1]["credentials"], "admin:*******")


def test_who_is_taken_out_of_the_file_is_out_at_once():
    with People() as board:
        eve, bob = board.sign_in("eve"), board.sign_in("bob")
        board.write(user_line("eve", "pass:word", "operator"))
        tap.equal(board.session(bob)[0], 401)
        tap.equal(board.session(eve)[0], 401, "another hash is another password")
        tap.equal(board.session(board.sign_in("eve"))[1]["role"], "operator")
        board.write("nonsense\n")
        tap.equal(board.session(board.sign_in("eve"))[0], 200, "a broken file locks nobody out")
        tap.wait_for("the mistake to be told", lambda: any("the users of before stay" in line for line in board.lines))


def test_tercel_user_writes_what_the_dashboard_reads():
    with Dashboard(login=None) as board:
        file = os.path.join(board.state, "users")
        tap.wait_for("the first login", lambda: os.path.exists(file))

        def user(*arguments, password=None, status=0):
            result = subprocess.run([TERCEL, "user", *arguments, "--file", file], input=password, text=True,
                                    capture_output=True, check=False, timeout=60)
            tap.equal(result.returncode, status, result.stderr)
            return result.stdout, result.stderr

        owner = os.stat(file).st_uid
        user("set", "eve", password="geheim\n")
        _, told = user("set", "bob", "--role", "operator", "--make")
        made = re.match(r"bob / ([a-z0-9-]{23}) ", told).group(1)
        tap.equal(user("list")[0].split(), ["operator", "admin", "viewer", "eve", "operator", "bob"])
        tap.equal((oct(os.stat(file).st_mode & 0o777), os.stat(file).st_uid), ("0o600", owner))
        for login, role in (("eve:geheim", "viewer"), (f"bob:{made}", "operator")):
            tap.equal(board.get("/api/v2/session", headers={"Authorization": basic(login)})[1]["role"], role)
        user("set", "eve", "--role", "operator", password="neu\n")
        tap.equal(board.get("/api/v2/session", headers={"Authorization": basic("eve:neu")})[1]["role"], "operator")
        user("set", "eve", password="neuer\n")
        tap.equal(board.get("/api/v2/session", headers={"Authorization": basic("eve:neuer")})[1]["role"], "operator",
                  "the role stays")
        user("remove", "eve")
        tap.equal(board.ask("GET", "/api/v2/session", headers={"Authorization": basic("eve:neuer")})[0], 401)
        for arguments, words in ((["set"], "tercel user set NAME"), (["set", "x", "--role", "boss"], "viewer or operator"),
                                 (["remove", "eve"], 'no user "eve"'), (["set", "a:b"], "no colon"), ([], "list, set")):
            _, told = user(*arguments, password="x\n", status=1)
            assert words in told, told
        _, told = user("set", "x", password="", status=1)
        assert "a password is needed" in told, told


# --- the proxy's word -----------------------------------------------------------------------------

def named(user, groups=None, **more):
    headers = {"X-Forwarded-User": user}
    if groups:
        headers["X-Forwarded-Groups"] = groups
    return {**headers, **more}


def test_a_proxys_word_counts_only_from_its_address():
    with People("--trusted-proxy", "10.9.9.9", "--trusted-proxy", "192.0.2.0/24", "--operator", "bob") as board:
        tap.equal(board.session(named("bob"))[0], 401)
        tap.equal(board.session(named("bob", **{"X-Forwarded-For": "10.9.9.9"}))[0], 401)
        answer = json.loads(board.ask("GET", "/api/v2/access", headers={**board.sign_in("eve"), **named("bob")},
                                      login=False)[2])
        tap.equal((answer["user"], answer["role"], answer["ignored_headers"]), ("eve", "viewer", 3))
        told = [line for line in board.lines if "is no --trusted-proxy" in line]
        tap.equal(len(told), 1, "told once")
    with People() as board:  # off unless somebody says so
        tap.equal(board.session(named("bob"))[0], 401)


def test_a_trusted_proxys_users_have_their_roles():
    with People("--trusted-proxy", "127.0.0.0/8", "--operator", "carol", "--operator", "dan@example.org",
                "--operator-group", "sec ops") as board:
        for headers, want in ((named("carol"), ("carol", "operator")),
                              (named("Carol"), ("Carol", "viewer")),
                              (named("x", "devs, sec ops"), ("x", "operator")),
                              (named("x", "sec,ops"), ("x", "viewer")),
                              (named("sec ops"), ("sec ops", "viewer")),
                              ({"X-Forwarded-Email": "dan@example.org"}, ("dan@example.org", "operator")),
                              # oauth-proxy also sends the name as basic authentication, without a password
                              (named("x", Authorization=basic("x:")), ("x", "viewer")),
                              # who signed in as somebody else is whom the proxy names
                              (named("x", **board.sign_in("bob")), ("x", "viewer"))):
            status, answer = board.session(headers)
            tap.equal((status, answer["user"], answer["role"], answer["known_by"]), (200, *want, "proxy"), headers)
        tap.equal(error_of(board.ask("POST", ACTS[0], headers=named("x"), login=False))[0], 403)
        tap.equal(board.ask("POST", ACTS[0], headers=named("carol"), login=False)[0], 400, "no such forwarder")
        tap.equal(board.session({})[0], 401, "the proxy named nobody")
        tap.equal(board.session(board.sign_in("bob"))[1]["user"], "bob")
        # Another site's page cannot act by the proxy's cookie either.
        status, words = error_of(board.ask("POST", ACTS[0], headers=named("carol", **{"Sec-Fetch-Site": "cross-site"}),
                                           login=False))
        tap.equal((status, words), (403, "another site asks for this"))
        name = "e\u0301<b>\u202e" + "x" * 300
        status, answer = board.session(named(name.encode().decode("latin-1")))
        tap.equal((status, answer["role"]), (200, "viewer"))
        assert len(answer["user"].encode()) < 256 and answer["user"].startswith("e\u0301<b>"), answer


def test_only_members_are_let_in_where_groups_are_named():
    with People("--trusted-proxy", "127.0.0.1", "--viewer-group", "watchers", "--operator-group", "ops") as board:
        tap.equal(board.session(named("x", "watchers"))[1]["role"], "viewer")
        tap.equal(board.session(named("x", "ops"))[1]["role"], "operator")
        tap.equal(error_of(board.ask("GET", "/api/v2/events", headers=named("x", "others"), login=False)),
                  (403, "you are in none of the groups that may look here"))
        tap.equal(board.ask("GET", "/api/v1/events/search", headers=named("x"), login=False)[0], 403)


def test_behind_a_proxy_wrong_passwords_block_their_sender_alone():
    with People("--trusted-proxy", "127.0.0.1") as board:
        def try_it(sender, password):
            body = json.dumps({"user": "eve", "password": password})
            return board.ask("POST", "/api/v2/login", body, headers={"X-Forwarded-For": sender}, login=False)[0]

        for spoofed in range(5):  # what the sender itself wrote stands before what the proxy adds
            tap.equal(try_it(f"10.0.0.{spoofed}, 203.0.113.7", "wrong"), 401)
        tap.equal(try_it("203.0.113.7", "pass:word"), 429)
        tap.equal(try_it("203.0.113.8", "pass:word"), 204)
    with People() as board:  # without a proxy the header means nothing
        for sender in range(5):
            board.ask("POST", "/api/v2/login", '{"user":"eve","password":"x"}', login=False,
                      headers={"X-Forwarded-For": f"203.0.113.{sender}"})
        tap.equal(board.ask("POST", "/api/v2/login", '{"user":"eve","password":"pass:word"}', login=False)[0], 429)


def test_mistakes_in_the_set_up_of_access_are_one_clear_line():
    folder = tempfile.mkdtemp(prefix="tercel-test-")
    try:
        for arguments, words in ((("--trusted-proxy", "localhost"), 'localhost'),
                                 (("--trusted-proxy", "10.0.0.0/33"), "10.128.0.0/14"),
                                 (("--users-file", "/nothing"), "/nothing has no user"),
                                 (("--no-login", "--no-login-role", "boss"), "boss"),
                                 (("--users-file", "/nothing", "-u", "a:b"), "not both")):
            status, lines = run_once("--state", folder, "-p", "0", *arguments)
            tap.equal((status, len(lines)), (1, 1), f"{arguments}: {lines}")
            assert words in lines[0], (arguments, lines)
    finally:
        shutil.rmtree(folder)


# --- sessions -------------------------------------------------------------------------------------

def sessions(board, headers):
    return json.loads(board.ask("GET", "/api/v2/access", headers=headers, login=False)[2])["sessions"]


def end(board, headers, session=""):
    status, _, content = board.ask("POST", f"/api/v2/sessions/end?session={session}", headers=headers, login=False)
    return status, json.loads(content)


def test_one_sees_and_ends_ones_own_sessions_and_an_operator_all():
    with People() as board:
        eve, other, bob = board.sign_in("eve"), board.sign_in("eve"), board.sign_in("bob")
        mine = sessions(board, eve)
        tap.equal([(one["user"], one["is_own"], one["peer"]) for one in mine],
                  [("eve", True, "127.0.0.1"), ("eve", False, "127.0.0.1")])
        assert not any(one["id"] in eve["Cookie"] or one["id"] in other["Cookie"] for one in mine), mine
        everybodys = sessions(board, bob)
        tap.equal([one["user"] for one in everybodys], ["eve", "eve", "bob"])
        tap.equal(end(board, eve, everybodys[2]["id"])[0], 404, "bob's is none of hers")
        tap.equal(end(board, eve, mine[0]["id"])[0], 404, "her own ends by signing out")
        tap.equal(end(board, eve), (200, {"ended": 1}))
        tap.equal((board.session(other)[0], board.session(eve)[0], board.session(bob)[0]), (401, 200, 200))
        tap.equal(end(board, bob), (200, {"ended": 0}), "only bob's others")
        tap.equal(end(board, bob, mine[0]["id"]), (200, {"ended": 1}))
        tap.equal(board.session(eve)[0], 401)
        tap.equal(json.loads(board.ask("GET", "/api/v2/access", headers=bob, login=False)[2])["users"],
                  [{"name": "eve", "role": "viewer"}, {"name": "bob", "role": "operator"}])
        eve = board.sign_in("eve")
        tap.equal(json.loads(board.ask("GET", "/api/v2/access", headers=eve, login=False)[2])["users"], None)
        # Another site cannot end them, nor start a backup by a link.
        tap.equal(board.ask("GET", "/api/v2/backup", headers={**bob, "Sec-Fetch-Site": "cross-site"}, login=False)[0], 403)
        tap.equal(board.ask("POST", "/api/v2/sessions/end", headers={**bob, "Origin": "http://evil.example"},
                            login=False)[0], 403)


def test_the_cookie_is_a_sessions_alone():
    with People() as board:
        body = json.dumps({"user": "eve", "password": "pass:word"})
        _, headers, _ = board.ask("POST", "/api/v2/login", body, login=False)
        cookie = headers["Set-Cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
            assert part in cookie, cookie
        tokens = {board.sign_in("eve")["Cookie"] for _ in range(3)}
        tap.equal(len(tokens), 3)
        tap.equal(board.ask("POST", "/api/v2/login", body, headers={"Origin": "http://evil.example"}, login=False)[0], 403)


def test_settings_tell_what_runs_and_no_secret():
    with People("--ttl", "30d", "--max-size", "8GiB", "--forwarder", "http://localhost:1",
                environment={"TERCEL_DASHBOARD_TOKEN": "very-secret-token"}) as board:
        status, _, content = board.ask("GET", "/api/v2/settings", headers=board.sign_in("eve"), login=False)
        answer = json.loads(content)
        tap.equal((status, answer["store"]["ttl_ms"], answer["store"]["max_bytes"], answer["ingest"]["has_token"],
                   answer["ingest"]["port"], answer["forwarders"]),
                  (200, 30 * 86400000, 8 << 30, True, board.port, ["http://localhost:1"]))
        assert b"very-secret-token" not in content and b"$y$" not in content, content


if __name__ == "__main__":
    tap.main(globals())

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/memory.h"
#include "tercel/supervisor.h"
#include "tests/test.h"

/* Small programs of the other side of the protocol. */
#define SAY_READY                                                             \
	"import os,socket;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);" \
	"s.sendto(b'READY=1',os.environ['NOTIFY_SOCKET']);"
#define WAIT_FOR_TERM "import signal;signal.sigwait([signal.SIGTERM]);"

static struct supervisor *supervisor;
static char folder[] = "/tmp/tercel-supervisor-XXXXXX";

/* One program a test; its arguments must stay, since the supervisor may start it again. */
static char *arguments[4];

static int start_python(const char *name, const char *script, struct error *err)
{
	arguments[0] = (char *)"/usr/bin/python3";
	arguments[1] = (char *)"-c";
	arguments[2] = (char *)script;
	return supervisor_start(
		supervisor, &(struct program){ .name = name, .arguments = arguments }, err);
}

static void set_up(void)
{
	struct error err = { 0 };

	log_open("test", LOG_LEVEL_ERROR, false);
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	CHECK(mkdtemp(folder));
	CHECK_NUMBER(supervisor_new(folder, &supervisor, &err), 0);
}

static void tear_down(void)
{
	supervisor_free(supervisor);
	CHECK_NUMBER(rmdir(folder), 0);
}

TEST(a_program_that_says_ready_is_started_and_stopped)
{
	struct error err = { 0 };

	set_up();
	CHECK_NUMBER(start_python("good",
			     "import signal;signal.pthread_sigmask(signal.SIG_BLOCK,"
			     "[signal.SIGTERM]);" SAY_READY WAIT_FOR_TERM,
			     &err),
		0);
	supervisor_stop(supervisor);
	CHECK_NUMBER(waitpid(-1, NULL, WNOHANG), -1);
	CHECK_NUMBER(errno, ECHILD);
	tear_down();
}

TEST(a_program_that_ends_before_it_is_ready_is_an_error)
{
	struct error err = { 0 };

	set_up();
	CHECK_NUMBER(start_python("bad", "raise SystemExit(3)", &err), -ECHILD);
	CHECK_TEXT(err.message, "the bad did not start; its reason stands above");
	tear_down();
}

TEST(a_program_that_dies_is_started_again)
{
	/* The first life kills itself once it said ready, the second one asks us to stop. */
	static const char script[] = SAY_READY
		"import signal;p=os.environ['MARK'];\n"
		"if os.path.exists(p): os.unlink(p); os.kill(os.getppid(),signal.SIGINT)\n"
		"else: open(p,'w'); os.kill(os.getpid(),signal.SIGKILL)\n" WAIT_FOR_TERM;
	struct error err = { 0 };
	char mark[64];

	set_up();
	snprintf(mark, sizeof(mark), "%s/mark", folder);
	setenv("MARK", mark, 1);
	/* It may die before or after we hear that it is ready: both are right. */
	start_python("mortal", script, &err);
	supervisor_run(supervisor);
	CHECK(access(mark, F_OK) < 0);
	supervisor_stop(supervisor);
	tear_down();
}

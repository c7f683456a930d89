/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process' parent is, whatever the order in which records come. */
#include "base/memory.h"
#include "sensor/state/containers.h"
#include "sensor/state/processes.h"
#include "tests/test.h"

/* Pids that no host has, so that /proc never answers for them. */
enum { SHIM = 5000001, RUNC, INIT };

static struct process facts_of(int64_t pid, int64_t parent_pid, const char *comm)
{
	return (struct process){ .pid = pid,
		.start_ns = (uint64_t)pid * 1000,
		.parent_pid = parent_pid,
		.comm = text_of(comm),
		.exe = text_of(comm),
		.cgroup = TEXT("/") };
}

static void check_parent(const struct process *process, const char *comm)
{
	const struct process *parent = process_ancestor(process, 1);
	_cleanup_(freep) char *got = parent ? text_to_string(parent->comm) : NULL;

	CHECK_TEXT(got, comm);
}

TEST(an_exec_that_names_a_parent_whose_end_was_told_has_the_reaper_as_its_parent)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, NULL);
	struct process shim = facts_of(SHIM, 0, "shim"), runc = facts_of(RUNC, SHIM, "runc"),
		       init = facts_of(INIT, RUNC, "runc"), cat = facts_of(INIT, RUNC, "cat");

	(void)processes_exec(processes, &shim);
	(void)processes_exec(processes, &runc);
	check_parent(processes_fork(processes, RUNC, &init), "runc");
	processes_exit(processes, RUNC, runc.start_ns, SHIM);
	check_parent(processes_exec(processes, &cat), "shim");
	processes_free(processes);
	containers_free(containers);
}

TEST(an_exec_that_names_another_parent_than_before_has_that_one)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, NULL);
	struct process shim = facts_of(SHIM, 0, "shim"), runc = facts_of(RUNC, SHIM, "runc"),
		       init = facts_of(INIT, RUNC, "runc"), cat = facts_of(INIT, SHIM, "cat");

	(void)processes_exec(processes, &shim);
	(void)processes_exec(processes, &runc);
	(void)processes_fork(processes, RUNC, &init);
	check_parent(processes_exec(processes, &cat), "shim");
	processes_free(processes);
	containers_free(containers);
}

TEST(who_enters_a_pid_namespace_from_outside_knows_when_it_began)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, NULL);
	struct process shim = facts_of(SHIM, 0, "shim"), init = facts_of(INIT, SHIM, "init"),
		       runc = facts_of(RUNC, SHIM, "runc");

	shim.pid_namespace = 1;
	init.pid_namespace = runc.pid_namespace = 5;
	init.vpid = 1;
	runc.vpid = 7;
	init.clone_time_ns = 1000;
	runc.clone_time_ns = 2000;
	(void)processes_exec(processes, &shim);
	CHECK_NUMBER(processes_fork(processes, SHIM, &init)->namespace_start_ns, 1000);
	CHECK_NUMBER(processes_fork(processes, SHIM, &runc)->namespace_start_ns, 1000);
	CHECK_NUMBER(processes_find(processes, SHIM)->namespace_start_ns, 0);
	processes_free(processes);
	containers_free(containers);
}

TEST(who_was_there_at_the_start_knows_when_its_pid_namespace_began)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, NULL);

	CHECK_NUMBER(processes_scan(processes, NULL), 0);
	CHECK(processes_find(processes, 1)->namespace_start_ns > 0);
	CHECK_NUMBER(processes_find(processes, getpid())->namespace_start_ns,
		processes_find(processes, 1)->namespace_start_ns);
	processes_free(processes);
	containers_free(containers);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>

#include "base/memory.h"
#include "sensor/state/containers.h"
#include "sensor/state/processes.h"
#include "sensor/state/runtimes/metadata.h"
#include "tests/test.h"

#define ID64 "3fa85f6457174562b3fc2c963f66afa6e4d909c290d0fb1ca068ffaddf22cbd0"

struct sample {
	const char *cgroup;
	bool is_isolated;
	const char *kind, *id; /* "host", "" for no container */
};

static const struct sample samples[] = {
	/* docker: cgroupfs, systemd, a parent of the user's choice, in Kubernetes before 1.24 */
	{ "/docker/" ID64, true, "docker", ID64 },
	{ "/docker/" ID64, false, "docker", ID64 },
	{ "/system.slice/docker-" ID64 ".scope", true, "docker", ID64 },
	{ "/custom/parent/" ID64, true, "docker", ID64 },
	{ "/kubepods.slice/kubepods-pod1.slice/docker-" ID64 ".scope", true, "docker", ID64 },
	{ "/docker/" ID64 "/system.slice/cron.service", true, "docker", ID64 },
	{ "/docker/" ID64 "/init.scope", true, "docker", ID64 },
	{ "/ecs/0123456789abcdef0123456789abcdef/" ID64, true, "docker", ID64 },
	/* containerd: CRI with systemd and with cgroupfs, ctr, nerdctl */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod4f1.slice/"
	  "cri-containerd-" ID64 ".scope",
		true, "containerd", ID64 },
	{ "/kubepods/besteffort/pod8d1c2a7e-1111-2222-3333-444455556666/" ID64, true, "containerd",
		ID64 },
	{ "/kubepods/pod8d1c2a7e/" ID64, false, "containerd", ID64 },
	{ "/system.slice/containerd.service/kubepods-besteffort-pod1.slice:cri-containerd:" ID64,
		true, "containerd", ID64 },
	{ "/k8s.io/t1", true, "containerd", "t1" },
	{ "/k8s.io/" ID64, true, "containerd", ID64 },
	{ "/default/" ID64, true, "containerd", ID64 },
	{ "/system.slice/nerdctl-" ID64 ".scope", true, "containerd", ID64 },
	{ "/ecs/task/0123456789abcdef0123456789abcdef-1234567890", true, "containerd",
		"0123456789abcdef0123456789abcdef-1234567890" },
	{ "/bpm/bpm-cloud-controller", true, "bpm", "cloud-controller" },
	/* CRI-O */
	{ "/kubepods.slice/kubepods-pod1.slice/crio-" ID64 ".scope", true, "cri-o", ID64 },
	{ "/kubepods/burstable/pod1/crio-" ID64, true, "cri-o", ID64 },
	{ "/kubepods.slice/kubepods-pod1.slice/crio-" ID64 ".scope/container", true, "cri-o",
		ID64 },
	/* podman: root, rootless, with its own cgroup below */
	{ "/libpod_parent/libpod-" ID64, true, "podman", ID64 },
	{ "/machine.slice/libpod-" ID64 ".scope", true, "podman", ID64 },
	{ "/machine.slice/libpod-" ID64 ".scope/container", true, "podman", ID64 },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID64 ".scope", true,
		"podman", ID64 },
	/* runc and crun alone */
	{ "/tercel-test/abc", true, "runc", "abc" },
	{ "/demo", true, "runc", "demo" },
	{ "/system.slice/runc-demo.scope", false, "runc", "demo" },
	{ "/user.slice/crun-demo.scope", true, "runc", "demo" },
	/* lxc and nspawn */
	{ "/lxc/web", true, "lxc", "web" },
	{ "/lxc.payload.web", true, "lxc", "web" },
	{ "/lxc.payload.web/system.slice/ssh.service", true, "lxc", "web" },
	{ "/machine.slice/machine-web.scope/payload", false, "systemd-nspawn", "web" },
	{ "/machine.slice/systemd-nspawn@web.service/payload/init.scope", true, "systemd-nspawn",
		"web" },
	/* containers in containers: the inner one */
	{ "/docker/" ID64 "/docker/"
	  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		true, "docker",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
	{ "/docker/" ID64 "/kubelet/kubepods/besteffort/pod1/"
	  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		true, "containerd",
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },

	/* the host */
	{ "/", false, "host", "" },
	{ "", true, "host", "" },
	{ "/", true, "host", "" },
	{ "/init.scope", false, "host", "" },
	{ "/system.slice/ssh.service", false, "host", "" },
	{ "/system.slice/systemd-resolved.service", true, "host", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", false, "host", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", true, "host", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-12.scope", true,
		"host", "" },
	{ "/process_api/8a79d947ef5eed29dc0f8032957bb9ad", false, "host", "" },
	{ "/system.slice/docker.service", false, "host", "" },
	{ "/system.slice/containerd.service", false, "host", "" },
	{ "/kubepods.slice/kubepods-besteffort.slice", false, "host", "" },
	{ "/kubepods/besteffort/pod8d1c2a7e-1111-2222-3333-444455556666", false, "host", "" },
	{ "/kubepods.slice/kubepods-pod1.slice/crio-conmon-" ID64 ".scope", false, "host", "" },
	{ "/machine.slice/libpod-conmon-" ID64 ".scope", false, "host", "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", false, "host", "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", true, "host", "" },
	{ "/machine.slice/systemd-nspawn@web.service/supervisor", false, "host", "" },
	{ "/lxc.monitor.web", false, "host", "" },
	{ "/tercel-test/abc", false, "host", "" },
	{ "/docker/" ID64 "0", false, "host", "" },
	{ "/docker/3fa85f645717", false, "host", "" },
};

TEST(paths_of_all_engines_and_of_the_host_are_told_apart)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		const struct sample *sample = &samples[i];
		enum container_kind kind = CONTAINER_HOST;
		struct text id = { 0 };
		bool found = container_id_in_cgroup(
			text_of(sample->cgroup), sample->is_isolated, &kind, &id);
		char *got = text_to_string(found ? id : TEXT(""));

		if (strcmp(container_kind_name(kind), sample->kind) || strcmp(got, sample->id))
			printf("# in %s\n", sample->cgroup);
		CHECK_TEXT(container_kind_name(kind), sample->kind);
		CHECK_TEXT(got, sample->id);
		free(got);
	}
}

TEST(the_short_id_has_twelve_characters)
{
	struct containers *containers = containers_new();
	const struct container *docker =
		containers_of_cgroup(containers, TEXT("/docker/" ID64), true);

	CHECK(text_is(docker->id, "3fa85f645717"));
	CHECK(text_is(docker->full_id, ID64));
	CHECK(!docker->name.data);
	containers_free(containers);
}

TEST(one_container_is_one_object_on_all_its_paths)
{
	struct containers *containers = containers_new();
	const struct container *one = containers_of_cgroup(containers, TEXT("/docker/" ID64), true);

	CHECK(one == containers_of_cgroup(containers, TEXT("/docker/" ID64 "/sub"), true));
	CHECK(one == containers_of_cgroup(containers, TEXT("/docker/" ID64), false));
	containers_free(containers);
}

TEST(a_cgroup_below_a_bare_bundle_is_the_bundles)
{
	struct containers *containers = containers_new();
	const struct container *bundle = containers_of_cgroup(containers, TEXT("/demo"), true);

	CHECK(text_is(bundle->id, "demo"));
	CHECK(bundle == containers_of_cgroup(containers, TEXT("/demo/made/inside"), true));
	containers_free(containers);
}

TEST(the_host_is_named_host)
{
	struct containers *containers = containers_new();
	const struct container *host = containers_of_cgroup(containers, TEXT("/"), false);

	CHECK_NUMBER(host->kind, CONTAINER_HOST);
	CHECK(text_is(host->id, "host") && text_is(host->full_id, "host"));
	CHECK(text_is(host->name, "host"));
	containers_free(containers);
}

TEST(a_container_whose_processes_are_gone_is_forgotten_and_one_that_is_held_is_not)
{
	struct containers *containers = containers_new();
	struct containers_counters counters;
	const struct container *held;
	char path[128];

	(void)containers_update(containers, 1000);
	held = container_hold(containers_of_cgroup(containers, TEXT("/docker/" ID64), true));
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "/docker/%064d", i);
		(void)containers_of_cgroup(containers, text_of(path), true);
	}
	containers_counters(containers, &counters);
	CHECK_NUMBER(counters.containers, 501);
	(void)containers_update(containers, 1000 + CONTAINERS_FORGET_MS + 1);
	containers_counters(containers, &counters);
	CHECK_NUMBER(counters.containers, 1);
	CHECK_NUMBER(counters.forgotten, 500);
	CHECK(held == containers_of_cgroup(containers, TEXT("/docker/" ID64), true));

	/* Its path leads to a new one, not to the freed one. */
	CHECK(text_is(containers_of_cgroup(containers, text_of(path), true)->full_id,
		path + strlen("/docker/")));
	container_release(held);
	containers_free(containers);
}

static const struct metadata *tell(void *context, enum container_kind kind, struct text full_id)
{
	struct metadata **last = context;

	(void)kind;
	metadata_release(*last);
	*last = metadata_new("docker");
	(*last)->name = keep_text(&(*last)->kept, full_id);
	labels_add(&(*last)->labels, &(*last)->kept, TEXT("name"), full_id);
	metadata_finish(*last);
	return *last;
}

/* A wave of containers, and all of them forgotten; bytes in use afterwards. */
static size_t wave(struct containers *containers, int64_t now_ms, int number)
{
	char path[128];

	(void)containers_update(containers, now_ms);
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "/docker/%032d%032d", number, i);
		(void)containers_of_cgroup(containers, text_of(path), true);
	}
	(void)containers_update(containers, now_ms + CONTAINERS_FORGET_MS + 1);
	return mallinfo2().uordblks;
}

TEST(the_memory_of_containers_that_are_gone_returns_to_the_byte)
{
	struct containers *containers = containers_new();
	struct metadata *last = NULL;
	size_t before;

	containers_set_teller(containers, tell, &last);
	/* The tables grow to their size in the first. */
	(void)wave(containers, 1000, 1);
	before = wave(containers, 100000, 2);
	for (int number = 3; number < 7; number++)
		CHECK_NUMBER(wave(containers, number * 100000, number), before);
	metadata_release(last);
	containers_free(containers);
}

TEST(a_container_may_outlive_the_table)
{
	struct containers *containers = containers_new();
	const struct container *one =
		container_hold(containers_of_cgroup(containers, TEXT("/docker/" ID64), true));

	containers_free(containers);
	CHECK(text_is(one->full_id, ID64));
	container_release(one);
}

TEST(only_cgroups_of_containers_are_expected)
{
	struct containers *containers = containers_new();
	struct containers_counters counters;

	containers_expect(containers, TEXT("/system.slice/cron.service"));
	containers_expect(containers, TEXT("/kubepods/besteffort/pod1"));
	containers_expect(containers, TEXT("/kubepods/besteffort/pod1/" ID64));
	containers_counters(containers, &counters);
	CHECK_NUMBER(counters.containers, 1);
	containers_free(containers);
}

/* A process with its own mount namespace, in a cgroup. */
static const struct container *exec_in(
	struct processes *processes, const char *cgroup, uint64_t mount_namespace)
{
	struct process facts = { .pid = 7,
		.start_ns = 7000,
		.pid_namespace = 8,
		.mount_namespace = mount_namespace,
		.cgroup = text_of(cgroup) };

	return processes_exec(processes, &facts)->container;
}

TEST(who_moves_into_another_cgroup_stays_in_his_container)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "");
	const struct container *first;

	/* The runtime's helper is in the cgroup before it is in the namespace. */
	CHECK_NUMBER(exec_in(processes, "/user.slice", 1)->kind, CONTAINER_HOST);
	first = exec_in(processes, "/docker/" ID64, 1);
	CHECK(text_is(first->full_id, ID64));
	CHECK(exec_in(processes, "/docker/" ID64, 100) == first);

	CHECK(exec_in(processes,
		      "/docker/0000000000000000000000000000000000000000000000000000000000000001",
		      100) == first);
	CHECK(exec_in(processes, "/", 100) == first);
	/* Who sees other files, too, is elsewhere: a container in a container, or who broke out. */
	CHECK(exec_in(processes,
		      "/docker/0000000000000000000000000000000000000000000000000000000000000001",
		      101) != first);
	processes_free(processes);
	containers_free(containers);
}

TEST(an_engine_that_enters_namespaces_before_cgroups_is_followed)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "");
	const struct container *outer, *inner;

	/* docker exec: the helper is in the namespaces, and still in its caller's cgroup. */
	CHECK_NUMBER(exec_in(processes, "/session", 100)->kind, CONTAINER_RUNC);
	outer = exec_in(processes, "/docker/" ID64, 100);
	CHECK(text_is(outer->full_id, ID64));

	/* The same by an engine inside of that container. */
	CHECK(exec_in(processes, "/docker/" ID64, 101) == outer);
	inner = exec_in(processes,
		"/docker/" ID64 "/docker/"
		"1111111111111111111111111111111111111111111111111111111111111111",
		101);
	CHECK(inner != outer);
	processes_free(processes);
	containers_free(containers);
}

TEST(of_two_hierarchies_the_one_that_shows_a_container_decides)
{
	CHECK(text_is(cgroup_deciding(TEXT("/"), TEXT("/demo")), "/demo"));
	CHECK(text_is(cgroup_deciding(TEXT("/demo"), TEXT("/")), "/demo"));
	CHECK(text_is(cgroup_deciding(TEXT("/system.slice/docker.service"), TEXT("/docker/" ID64)),
		"/docker/" ID64));
	CHECK(text_is(cgroup_deciding(TEXT("/system.slice/a.service"), TEXT("/system.slice")),
		"/system.slice/a.service"));
	CHECK(text_is(cgroup_deciding(TEXT("/docker/" ID64), TEXT("/docker/" ID64 "/sub")),
		"/docker/" ID64));
	CHECK(text_is(cgroup_deciding(TEXT(""), TEXT("")), ""));
}

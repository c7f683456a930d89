/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor's own side costs: records of opens through the decoder and the state. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "sensor/sources/decode.h"

#define EVENTS	  2000000
#define PROCESSES 500

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static size_t add(char *at, __u16 *length, const char *text)
{
	*length = (__u16)strlen(text);
	memcpy(at, text, *length);
	return *length;
}

static size_t fill_open(struct call_record *record)
{
	char *at = (char *)(record + 1);

	record->header.kind = RECORD_CALL;
	record->header.start_ns = 1;
	record->event = EVENT_openat;
	record->arguments[0] = (uint64_t)AT_FDCWD;
	record->result = 3;
	record->flags = CALL_HAS_FILE;
	record->file.mode = S_IFREG | 0644;
	at += add(at, &record->lengths[CALL_TEXT_0], "lib/x86_64-linux-gnu/libc.so.6");
	at += add(at, &record->lengths[CALL_BASE_0], "usr/");
	at += add(at, &record->lengths[CALL_REAL_PATH], "libc.so.6/x86_64-linux-gnu/lib/usr/");
	record->header.size = (uint32_t)(at - (char *)record);
	return record->header.size;
}

int main(void)
{
	struct containers *containers = containers_new();
	struct processes *processes = processes_new(containers, "/nowhere");
	struct decoder *decoder = decoder_new(containers, processes, NULL);
	uint64_t memory[512] = { 0 };
	struct call_record *record = (struct call_record *)memory;
	size_t size = fill_open(record);
	struct event *event;
	double begin, took;
	uint64_t sum = 0;

	begin = cpu_ns();
	for (uint32_t i = 0; i < EVENTS; i++) {
		record->header.pid = record->header.tid = 2 + i % PROCESSES;
		if (decoder_take(decoder, memory, size, &event) != 1)
			continue;
		event_name_fd(event);
		sum += event->fd.name.length;
	}
	took = cpu_ns() - begin;
	printf("decode of an open and its state: %.0f ns, %.2f million events/s (%zu bytes each)\n",
		took / EVENTS, EVENTS / took * 1e3, size);
	decoder_free(decoder);
	processes_free(processes);
	containers_free(containers);
	return sum == 0;
}

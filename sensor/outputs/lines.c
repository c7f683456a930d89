/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as lines into a descriptor. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "sensor/outputs/lines.h"

#define CHUNK_BYTES (256 * 1024)

static int write_all(int fd, struct text bytes)
{
	while (bytes.length) {
		ssize_t written = write(fd, bytes.data, bytes.length);

		if (written >= 0) {
			bytes = text_slice(bytes, (size_t)written, bytes.length);
		} else if (errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			(void)poll(&ready, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int lines_write(int fd, struct sensor_alert *const *alerts, size_t count, bool is_json)
{
	struct buffer chunk;
	int r = 0;

	buffer_init(&chunk, CHUNK_BYTES + ALERT_MAX + 1);
	for (size_t i = 0; i < count && r >= 0; i++) {
		buffer_add_text(&chunk, sensor_alert_line(alerts[i], is_json));
		buffer_add_char(&chunk, '\n');
		if (chunk.length < CHUNK_BYTES && i + 1 < count)
			continue;
		r = write_all(fd, buffer_text(&chunk));
		buffer_clear(&chunk);
	}
	buffer_done(&chunk);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as lines into a descriptor, for the outputs that are one. */
#pragma once

#include "sensor/outputs/output.h"

/* All of them with as few writes as possible, each line whole. 0 or a negative errno. */
int lines_write(int fd, struct sensor_alert *const *alerts, size_t count, bool is_json);

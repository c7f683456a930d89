/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's web server, where webserver.enabled asks for one: GET /healthz, /versions and
 * /metrics. Nothing can be changed by it. Without it the sensor listens nowhere.
 */
#pragma once

#include "sensor/report.h"

struct web;

/* 0 with NULL when it is not enabled. The reporter must outlive it. */
int web_new(const struct sensor_options *options, struct reporter *reporter, struct web **ret_web,
	struct error *err);
void web_free(struct web *web);

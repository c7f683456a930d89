/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings below yandex., whose services take Amazon's signatures with keys of their own.
 */
#pragma once

#include "forwarder/aws.h"

struct yandex_settings {
	char *access_key, *secret_key, *region;
};

/* Each output's settings hold a `const struct yandex_settings *` where .group_at says. */
extern const struct output_group yandex_group;

int yandex_check(const struct yandex_settings *yandex, struct error *err);
int yandex_sign(struct request *request, const struct preparing *at, const char *service);

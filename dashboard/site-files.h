/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools/embed makes.
 */
#pragma once

#include "dashboard/site.h"

extern const struct site_file site_files[];
extern const size_t site_file_count;

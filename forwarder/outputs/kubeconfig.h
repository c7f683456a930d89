/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For outputs that reach a function inside the cluster, and that Falcosidekick could also reach
 * from outside, through the API server.
 */
#pragma once

#include "base/error.h"

/*
 * -EINVAL with words when the file is there, as requests would then have to go another way. A
 * kubeconfig that is only named, as Falcosidekick's chart does, has no effect.
 */
int check_no_kubeconfig(const char *key, const char *path, struct error *err);

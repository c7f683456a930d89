/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about a kubeconfig.
 */
#include <errno.h>

#include "forwarder/outputs/kubeconfig.h"

int check_no_kubeconfig(const char *key, const char *path, struct error *err)
{
	if (!path || !*path || access(path, R_OK) < 0)
		return 0;
	return error_set(err, -EINVAL,
		"%s: going through the API server is not spoken; run the forwarder inside the "
		"cluster and leave it out, or post to the function's own address by webhook.address",
		key);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifact stores in clouds: S3, MinIO, Google Cloud Storage.
 */
#pragma once

#include "responder/action.h"

/*
 * Each puts run->artifact under PREFIX/NAME into the bucket of the parameters, and says where in
 * run->result. -EAGAIN when the same call may go well later.
 */
int keep_in_s3(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err);
int keep_in_minio(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err);
int keep_in_gcs(
	const struct text_map *parameters, const char *name, struct run *run, struct error *err);

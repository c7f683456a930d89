/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What crosses between the kernel programs and the sensor: the records in the ring, and the maps
 * by which the sensor tells the programs what it wants. Included by both sides.
 */
#pragma once

/* How a call is collected at its exit; the column `how` of syscalls.def. */
enum collector {
	COLLECT_NONE,
	COLLECT_PLAIN,
	COLLECT_OPEN,
	COLLECT_FD,
	COLLECT_SOCKET,
	COLLECT_ACCEPT,
	COLLECT_MESSAGE,
	COLLECT_EXEC,
	COLLECTOR_COUNT,
};

/* Stands where an argument's index may stand. */
#define CALL_RESULT 6

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that cannot be used safely, or that have a better twin in base/. The compiler is told to
 * refuse them; the build includes this file before everything else.
 */
#pragma once

#ifndef __cplusplus
/* System headers declare these, so they must come first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok tmpnam mktemp
#endif

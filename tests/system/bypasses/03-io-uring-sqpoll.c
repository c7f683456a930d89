/* SPDX-License-Identifier: Apache-2.0 */
/* The same as 03-io-uring.c, submitted by the kernel's own thread. */
#define SETUP IORING_SETUP_SQPOLL
#include "03-io-uring.c"

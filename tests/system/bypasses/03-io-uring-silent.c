/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring without completions, and into the ring's own table of files through a link. */
#include "bypass.h"
#include "uring.h"

int main(void)
{
	int none[4] = { -1, -1, -1, -1 };

	NEED(!symlink(".", "link"));
	start(0);
	submit(&(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
		       .fd = AT_FDCWD,
		       .addr = AT("link/secret"),
		       .flags = IOSQE_CQE_SKIP_SUCCESS },
		0);
	NEED(!syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, none, 4));
	NEED(run(&(struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
		     .fd = AT_FDCWD,
		     .addr = AT("link/secret"),
		     .file_index = 2 }) >= 0);
	return 0;
}

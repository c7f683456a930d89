/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to the sensor, and a program that reads what it has in the kernel. */
#include "bypass.h"
#include <linux/bpf.h>

int main(int count, char **arguments)
{
	union bpf_attr attribute = { .start_id = 0 };

	(void)count;
	NEED(!kill(atoi(arguments[2]), SIGCONT));
	syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attribute, sizeof(attribute));
	return 0;
}

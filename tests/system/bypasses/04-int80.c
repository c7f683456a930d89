/* SPDX-License-Identifier: Apache-2.0 */
/* 32-bit calls from a 64-bit program: open, a connect behind socketcall, exec. */
#include "bypass.h"
#if !defined(__x86_64__)
int main(void)
{
	return SKIP;
}
#else
static long call32(long number, long one, long two, long three)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "0"(number), "b"(one), "c"(two), "d"(three)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

int main(int count, char **arguments)
{
	struct sockaddr_in to = address("127.77.0.4", 0);
	int server = listen_at(&to);
	char *low = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *numbers = (void *)(low + 8192);
	long at = (long)low;

	(void)count;
	(void)server;
	NEED(low != MAP_FAILED);
	snprintf(low, 4096, "%s/secret", arguments[1]);
	errno = ENOSYS; /* where the kernel was built without */
	NEED(call32(5, at, O_RDONLY, 0) >= 0);
	numbers[0] = socket(AF_INET, SOCK_STREAM, 0);
	memcpy(low + 12288, &to, sizeof(to));
	numbers[1] = (uint32_t)(at + 12288);
	numbers[2] = sizeof(to);
	NEED(!call32(102, 3, at + 8192, 0));
	strcpy(low, "/no/such/program");
	strcpy(low + 100, "payload");
	numbers[0] = (uint32_t)at;
	numbers[1] = (uint32_t)at + 100;
	numbers[2] = 0;
	call32(11, at, at + 8192, 0);
	return 0;
}
#endif

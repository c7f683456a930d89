/* SPDX-License-Identifier: Apache-2.0 */
/* Names that would end a line, colour it, or are no UTF-8. */
#include "bypass.h"
int main(void)
{
	close(open("secret\n\"{}\033[31m\\", O_RDONLY));
	close(open("secret\377\376", O_RDONLY));
	return 0;
}

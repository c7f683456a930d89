/* SPDX-License-Identifier: Apache-2.0 */
/* A program behind other ones, under a relative name, and a name that is nearly the right one. */
#include "bypass.h"
int main(void)
{
	return system("env sh -c 'true; cat ./../$(basename \"$PWD\")/./secret; true'") ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that the start took and watching does not need.
 */
#pragma once

/*
 * Gives back free heap, and the pages of programs and libraries that were mapped so far: what is
 * still needed comes back from the page cache when it is touched. Some milliseconds.
 */
void working_set_trim(void);

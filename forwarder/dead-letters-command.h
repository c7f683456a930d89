/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel forwarder dead-letters: what was given up, for those who look after it. Works beside a
 * running forwarder, which takes what is to be sent again within a second or two.
 */
#pragma once

/* argv[0] is "dead-letters". The exit status: 0, 1 when it failed, 2 for a wrong command line. */
int dead_letters_command(int argc, char **argv);

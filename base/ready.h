/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling whoever started us that we are ready, or why we stop: systemd's sd_notify protocol
 * (sd_notify(3)), which `tercel up` speaks too.
 */
#pragma once

/*
 * Sends "READY=1" to the socket that $NOTIFY_SOCKET names. Without that variable nothing happens.
 * To be called once, when requests are answered and events are seen.
 */
void ready_notify(void);

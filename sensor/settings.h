/* SPDX-License-Identifier: Apache-2.0 */
/* Where the sensor's settings are looked for when no flag says it. */
#pragma once

#include "sensor/sensor.h"

#define OWN_FILE    "/etc/tercel/sensor.yaml"
#define FALCOS_FILE "/etc/falco/falco.yaml"

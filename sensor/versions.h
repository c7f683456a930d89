/* SPDX-License-Identifier: Apache-2.0 */
/* Falco's versions whose language and interfaces these are (spec/rule-language.md 1.3, 13). */
#pragma once

#define ENGINE_VERSION_MINOR "63"
#define ENGINE_VERSION	     "0." ENGINE_VERSION_MINOR ".0"
#define PLUGIN_API_VERSION   "3.12.0"

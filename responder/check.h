/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tercel check` and `tercel actions` ask of the responder.
 */
#pragma once

#include "base/settings.h"

/* Does a YAML document look like a playbook? */
bool playbooks_recognise(const struct yaml_node *root);
/* 0, or -EINVAL with FILE:LINE: are these playbooks, read together, right? */
int playbooks_check(const char *const *files, size_t count, settings_warning *warn, void *context,
	struct error *err);
/* The actions with their parameters and the verbs that they need: text, or Markdown. */
void actions_write(bool as_markdown, struct buffer *out);
/* The same as a JSON array. */
void actions_write_json(struct buffer *out);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `tercel check` and `tercel actions` ask of the responder.
 */
#pragma once

#include "base/settings.h"
#include "kubernetes/access.h"

/* Does a YAML document look like a playbook? */
bool playbooks_recognise(const struct yaml_node *root);
/* 0, or -EINVAL with FILE:LINE: are these playbooks, read together, right? */
int playbooks_check(const char *const *files, size_t count, settings_warning *warn, void *context,
	struct error *err);
/* Settings of notifiers, the mapping below `notifiers:` (may be NULL). -EINVAL with words. */
int notifiers_check(const char *file, const struct yaml_node *notifiers, struct error *err);
/* Does the API server take what we show? */
int cluster_check(const struct kubernetes_api *api, struct error *err);
/* The actions with their parameters and the verbs that they need: text, or Markdown. */
void actions_write(bool as_markdown, struct buffer *out);
/* The same as a JSON array. */
void actions_write_json(struct buffer *out);

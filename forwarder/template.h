/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: the part of Go's text/template that Falcosidekick's users write.
 *
 *	text {{ index . "k8s.ns.name" }} {{ .Rule }} {{ .A.B }}
 *	{{ if … }} … {{ else if … }} … {{ else }} … {{ end }}
 *	{{ range … }} … {{ else }} … {{ end }}      over a list, or the values of an object by key
 *	{{- and -}} take away the blanks beside them; {{/_* a comment *_/}}  (without the _)
 *	( … ), |, "text", `text`, numbers, true, false, nil
 *	and eq index len ne not or print printf (with %s %v %d %q %%)
 *
 * Numbers of the data are text, as in Falcosidekick, so that none is rounded, and 0 is not empty.
 * What is not there prints as <no value>. What a template does not know is an error when it is
 * read, with line and column.
 */
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#define TEMPLATE_MAX (64 * 1024)

struct template;

/* -EINVAL with "line L, column C: …". */
int template_parse(struct text text, struct template **ret_template, struct error *err);
void template_free(struct template *template);
DEFINE_CLEANUP(struct template *, template_free)
/* Appends what becomes of it; `data` is the dot. The buffer's limit cuts. Any thread. */
void template_run(const struct template *template, struct json_object *data, struct buffer *out);

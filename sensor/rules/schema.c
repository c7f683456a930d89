/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of rules files, as a table. */
#include "base/memory.h"
#include "base/schema.h"
#include "sensor/rules/schema.h"

static const struct shape text = { SHAPE_TEXT }, scalar = { SHAPE_SCALAR }, flag = { SHAPE_BOOL },
			  integer = { SHAPE_INTEGER }, any = { SHAPE_ANY },
			  texts = { SHAPE_LIST, .items = &text },
			  scalars = { SHAPE_LIST, .items = &scalar };

static const struct shape priority = { SHAPE_CHOICE,
	.choices = "EMERGENCY ALERT CRITICAL ERROR WARNING NOTICE INFO INFORMATIONAL DEBUG" };

static const struct shape_member exception_keys[] = { { "name", &text }, { "fields", &any },
	{ "comps", &any }, { "values", &any } };
static const struct shape exception = SHAPE_OBJECT_OF(exception_keys, .required = "name");
static const struct shape exceptions = { SHAPE_LIST, .items = &exception };

static const struct shape change = { SHAPE_CHOICE, .choices = "append replace" };
static const struct shape_member override_keys[] = { { "condition", &change }, { "items", &change },
	{ "desc", &change }, { "enabled", &change }, { "exceptions", &change },
	{ "output", &change }, { "priority", &change }, { "tags", &change },
	{ "warn_evttypes", &change }, { "skip-if-unknown-filter", &change }, { "capture", &change },
	{ "capture_duration", &change } };
static const struct shape override = SHAPE_OBJECT_OF(override_keys);

static const struct shape_member alternative_keys[] = { { "name", &text }, { "version", &text } };
static const struct shape alternative = SHAPE_OBJECT_OF(alternative_keys, .required = "name");
static const struct shape alternatives = { SHAPE_LIST, .items = &alternative };
static const struct shape_member plugin_keys[] = { { "name", &text }, { "version", &text },
	{ "alternatives", &alternatives } };
static const struct shape plugin = SHAPE_OBJECT_OF(plugin_keys, .required = "name");
static const struct shape plugins = { SHAPE_LIST, .items = &plugin };

static const struct shape_member item_keys[] = { { "required_engine_version", &text },
	{ "required_plugin_versions", &plugins }, { "macro", &text }, { "condition", &text },
	{ "list", &text }, { "items", &scalars }, { "rule", &text }, { "desc", &text },
	{ "enabled", &flag }, { "output", &text }, { "append", &flag }, { "priority", &priority },
	{ "source", &text }, { "exceptions", &exceptions }, { "override", &override },
	{ "tags", &texts }, { "warn_evttypes", &flag }, { "skip-if-unknown-filter", &flag },
	{ "capture", &flag }, { "capture_duration", &integer } };
static const struct shape item = SHAPE_OBJECT_OF(item_keys);
static const struct shape root = { SHAPE_LIST, .items = &item };

void rule_schema_print(struct buffer *out)
{
	schema_print(&root, NULL, out);
}

static void note_failure(void *context, const char *message)
{
	struct load_result *result = context;

	result->schema_warnings = memory_resize(result->schema_warnings,
		result->schema_warning_count + 1, sizeof(*result->schema_warnings));
	result->schema_warnings[result->schema_warning_count++] = string_copy(message);
}

void rule_schema_check(const struct yaml *yaml, struct load_result *result)
{
	result->has_schema = true;
	for (size_t i = 0; i < yaml_document_count(yaml); i++)
		(void)schema_check(&root, yaml_document(yaml, i), note_failure, result);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from any bytes: the first half is a file, the second an -o option. */
#include "base/memory.h"
#include "base/settings.h"

struct options {
	char *text;
	bool flag;
	int64_t number, duration;
	uint64_t size;
	int choice;
	struct text_list list;
	struct text_map map;
	struct yaml_node *node;
};

#define AT(member) .at = offsetof(struct options, member)

static const struct setting rows[] = {
	{ .key = "a.text", .type = SETTING_TEXT, AT(text) },
	{ .key = "a.b.flag", .type = SETTING_BOOL, AT(flag) },
	{ .key = "number", .type = SETTING_INTEGER, AT(number), .minimum = -5, .maximum = 5 },
	{ .key = "time", .type = SETTING_DURATION, AT(duration) },
	{ .key = "size", .type = SETTING_SIZE, AT(size) },
	{ .key = "choice", .type = SETTING_CHOICE, AT(choice), .choices = "one two" },
	{ .key = "list", .type = SETTING_LIST, AT(list) },
	{ .key = "map", .type = SETTING_MAP, AT(map) },
	{ .key = "node", .type = SETTING_NODE, AT(node) },
	{ .key = "gone", .type = SETTING_IGNORED },
};

static const struct settings_table table = {
	.program = "fuzz", .rows = rows, .count = COUNT_OF(rows), .expands_variables = true
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text file = { (const char *)data, size / 2 };
	_cleanup_(freep) char *option = memory_copy(data + size / 2, size - size / 2);
	struct options options;
	struct yaml *yaml = NULL;
	struct error err = {};

	settings_defaults(&table, &options);
	if (yaml_parse(file, "fuzz", &yaml, &err) >= 0)
		(void)settings_from_yaml(
			&table, &options, "fuzz", yaml_document(yaml, 0), NULL, NULL, &err);
	(void)settings_from_option(&table, &options, option, &err);
	settings_done(&table, &options);
	yaml_unload(yaml);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tercel settings PROGRAM: every key with its type, default, environment name and meaning, from
 * the program's own table; as JSON it is a schema, as YAML a file with every default.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/settings.h"
#include "dashboard/settings.h"
#include "forwarder/settings.h"
#include "responder/settings.h"
#include "sensor/sensor.h"
#include "tercel/command.h"
#include "tercel/print.h"

typedef void settings_writer(const struct settings_table *table, struct buffer *out);

static settings_writer *const writers[] = {
	[PRINT_TEXT] = settings_text,
	[PRINT_MARKDOWN] = settings_markdown,
	[PRINT_JSON] = settings_json,
	[PRINT_YAML] = settings_yaml,
};

static void write_sensor(enum print_form form, struct buffer *out)
{
	writers[form](sensor_settings_table(), out);
}

static void write_forwarder(enum print_form form, struct buffer *out)
{
	configuration_describe(writers[form], out);
}

static void write_dashboard(enum print_form form, struct buffer *out)
{
	writers[form](&dashboard_settings_table, out);
}

static void write_responder(enum print_form form, struct buffer *out)
{
	writers[form](&responder_settings_table, out);
}

static const struct {
	const char *name;
	void (*write)(enum print_form form, struct buffer *out);
} programs[] = {
	{ "sensor", write_sensor },
	{ "forwarder", write_forwarder },
	{ "dashboard", write_dashboard },
	{ "responder", write_responder },
};

static int print_yaml(void (*write)(enum print_form form, struct buffer *out))
{
	struct buffer out;

	buffer_init(&out, 1 << 20);
	write(PRINT_YAML, &out);
	fputs(out.data, stdout);
	buffer_done(&out);
	return 0;
}

int command_settings(int argc, char **argv)
{
	static const char usage[] =
		"tercel settings sensor | forwarder | dashboard [--json | --markdown | --yaml]";

	for (size_t i = 0; argc > 1 && i < COUNT_OF(programs); i++) {
		if (strcmp(argv[1], programs[i].name))
			continue;
		if (argc == 3 && !strcmp(argv[2], "--yaml"))
			return print_yaml(programs[i].write);
		return print_reference(argc - 1, argv + 1, usage, programs[i].write);
	}
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		printf("usage: %s\n", usage);
		return 0;
	}
	fprintf(stderr, "usage: %s\n", usage);
	return 2;
}

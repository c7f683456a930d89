/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as a table. A program describes each of its settings once, as a row; from the rows
 * come the YAML keys, the environment names, the command-line flags, the defaults, `--help`, the
 * reference of `tercel settings` and a JSON schema.
 *
 *	static const struct setting settings[] = {
 *		{ .key = "http_output.url", .type = SETTING_TEXT, .at = offsetof(struct options,
 *url), .fallback = "", .about = "Where alerts are posted" },
 *	};
 *
 * Order of precedence: flag > environment > file > fallback. Unknown keys are errors or warnings
 * that name the nearest right one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/schema.h"
#include "base/text.h"
#include "base/yaml.h"

enum setting_type {
	SETTING_TEXT,	  /* char *, owned by the struct */
	SETTING_SECRET,	  /* char *, printed as *** */
	SETTING_BOOL,	  /* bool */
	SETTING_INTEGER,  /* int64_t, within [minimum, maximum] where maximum > minimum */
	SETTING_SIZE,	  /* uint64_t bytes: "64MiB", "1GB", "4096" */
	SETTING_DURATION, /* int64_t milliseconds: "250ms", "1h30m", Prometheus' form; "2W" as "2w"
			   */
	SETTING_CHOICE,	  /* int, index into .choices (space separated), case-insensitive;
			   "" is the fallback, where there is one */
	SETTING_LIST,	  /* struct text_list: a YAML sequence, or comma separated text */
	SETTING_MAP,	  /* struct text_map: a YAML mapping, "k:v,k2:v2" (first colon), or JSON */
	SETTING_NODE,	 /* struct yaml_node *, for shapes of the program's own; file only. Borrowed
			    from the struct yaml, which must outlive it. Where other rows' keys are
			    below it, a mapping is theirs */
	SETTING_IGNORED, /* a key (or all keys below it) of the replaced system that has no effect
			    here; .about says why. Has no member. Told once a file, unless its
			    value is .fallback */
};

struct text_list {
	char **items;
	size_t count;
};

struct text_map {
	char **keys;
	char **values;
	size_t count;
};

struct setting {
	const char *key; /* dotted path in the file; NULL for a flag alone */
	enum setting_type type;
	size_t at;		 /* offset of the member */
	const char *fallback;	 /* as text; NULL: zero, empty, and a NULL pointer for text */
	const char *environment; /* NULL: none, unless settings_table.environment makes one */
	const char *flag;	 /* long flag without "--"; NULL: none */
	char short_flag;
	const char *value; /* name of the value in --help, e.g. "FILE" */
	const char
		*implied; /* text: what the flag alone means; a value needs "--flag=VALUE" then */
	const char *choices; /* blank separated */
	int64_t minimum, maximum;
	const char *about;	   /* one sentence, for people */
	const struct shape *shape; /* what the schema allows; NULL: what the type says */
	bool is_gone; /* refused: the replaced system's schema has it no longer either */
};

/* Whether the row's key begins with the prefix, and the part of it behind, up to the next dot. */
bool setting_is_below(const struct setting *row, struct text prefix);
struct text setting_segment(const struct setting *row, struct text prefix);

/* Takes a sentence that a person should know. */
typedef void settings_warning(void *context, const char *message);

struct settings_table {
	const char *program; /* "tercel-forwarder" */
	const struct setting *rows;
	size_t count;
	/* Environment name from the key: upper case, '.' to '_' (spec/forwarder.md 4), with a
	 * prefix. */
	bool makes_environment;
	const char *environment_prefix; /* or NULL */
	bool ignores_key_case;		/* the forwarder's files */
	bool expands_variables; /* ${VAR}, $${x} in the file's scalars (spec/rule-language.md 7) */
	bool appends_lists;	/* settings_from_yaml adds to lists and maps that are not empty */
	bool appends_top_lists; /* … to lists of keys without a dot alone */
};

/*
 * Sets every member to its fallback; what they held before is not freed. A fallback that does not
 * parse is our mistake: asserts.
 */
void settings_defaults(const struct settings_table *table, void *target);
/*
 * Takes the keys of a YAML mapping; keys without a value keep what is there. Unknown keys: a
 * message each through `warn` (may be NULL), "FILE:LINE: unknown key \"x\"; did you mean \"y\"?". A
 * value that does not fit its type is an error.
 */
int settings_from_yaml(const struct settings_table *table, void *target, const char *file,
	const struct yaml_node *root, settings_warning *warn, void *context, struct error *err);
/* Variables that are set and not empty. */
int settings_from_environment(const struct settings_table *table, void *target, struct error *err);
/*
 * "KEY=VALUE" of Falco's -o: dots descend, "list[]" appends, "list[2]" replaces, "map.name" sets
 * one entry; a backslash makes . [ ] \ part of a name.
 */
int settings_from_option(
	const struct settings_table *table, void *target, const char *option, struct error *err);
/*
 * Flags of argv. "--flag=v", "--flag v", "-fv", "-f v"; booleans need no value and "--no-flag"
 * clears them. A list's flag has one item, commas and all, and may be repeated; the first one
 * replaces what the file gave. Arguments that are no flags stay, in order, at the front of argv
 * (argv[1] …) and are counted in *ret_rest; all that follows "--" is such. An unknown flag is an
 * error with the nearest right one.
 */
int settings_from_arguments(const struct settings_table *table, void *target, int argc, char **argv,
	int *ret_rest, struct error *err);
/* Why a key that has no effect (SETTING_IGNORED) is refused; NULL: it is not, or says nothing new.
 */
const char *settings_refusal(
	const struct settings_table *table, struct text key, struct text value);
/* The key, and all keys below it, have their fallbacks again; lists without one are empty. */
void settings_reset(const struct settings_table *table, void *target, struct text key);
/* Copies a struct of `size` bytes, with all that its members own. */
void settings_copy(
	const struct settings_table *table, void *target, const void *source, size_t size);
/* Frees what the members own and zeroes them. */
void settings_done(const struct settings_table *table, void *target);

/* --help, the reference as text and as Markdown, the JSON schema; to a buffer. */
void settings_help(const struct settings_table *table, const char *usage, struct buffer *out);
void settings_text(const struct settings_table *table, struct buffer *out);
void settings_markdown(const struct settings_table *table, struct buffer *out);
void settings_json(const struct settings_table *table, struct buffer *out);
/*
 * Holds a file's root against that schema; gives each mismatch in the words of base/schema.h. A
 * file of another shape may be read all the same.
 */
bool settings_check(const struct settings_table *table, const struct yaml_node *root,
	void (*fail)(void *context, const char *message), void *context);
/* A file with every key at its default, each with its meaning above it: also a chart's values. */
void settings_yaml(const struct settings_table *table, struct buffer *out);
/* The settings as they are, "key=value" a line, secrets as ***. */
void settings_print(const struct settings_table *table, const void *target, struct buffer *out);

/*
 * The parsers behind the types, for the programs' own shapes. A duration is numbers with units in
 * either case (ms s m h d w y; also Go's us and ns, which must come to whole ms), without blanks;
 * "0" needs no unit. A size is a whole number with B, k M G T, KiB … (by 1024) or kB MB GB TB (by
 * 1000). -EINVAL, -ERANGE.
 */
int duration_parse(struct text text, int64_t *ret_ms);
int size_parse(struct text text, uint64_t *ret_bytes);
/* yaml-cpp's words (yaml.h) and Go's 1 0 t f. -EINVAL. */
int bool_parse(struct text text, bool *ret_flag);
/* ${NAME} becomes the variable's value (nothing when unset), $${x} becomes ${x}. */
void variables_expand(struct text text, struct buffer *out);

void text_list_add(struct text_list *list, struct text item);
void text_list_done(struct text_list *list);
void text_map_set(struct text_map *map, struct text key, struct text value);
void text_map_done(struct text_map *map);
/* NULL when there is none. */
const char *text_map_get(const struct text_map *map, const char *key);

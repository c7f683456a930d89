/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/template.h"
#include "tests/test.h"

static const char data[] =
	"{\"Rule\":\"A rule\",\"Tags\":[\"a\",\"b\"],\"Empty\":[],\"k8s.ns.name\":\"shop\","
	"\"null\":null,\"big\":18446744073709551615,\"zero\":0,\"yes\":true,"
	"\"OutputFields\":{\"proc.name\":\"sh\",\"b\":2,\"a\":1}}";

static void check(const char *text, const char *want)
{
	_cleanup_(template_freep) struct template *template = NULL;
	_cleanup_(json_putp) struct json_object *dot = NULL;
	struct error err = { 0 };
	struct buffer out;

	buffer_init(&out, 4096);
	buffer_add_string(&out, "");
	CHECK_NUMBER(json_parse(text_of(data), &dot, NULL, NULL), 0);
	if (template_parse(text_of(text), &template, &err) < 0)
		buffer_add_string(&out, err.message);
	else
		template_run(template, dot, &out);
	if (strcmp(out.data, want)) {
		test_failures++;
		printf("# %s\n#   gives |%s|\n#   not   |%s|\n", text, out.data, want);
	}
	buffer_done(&out);
}

TEST(what_falcosidekicks_documentation_shows_works)
{
	check("{{ or (index . \"k8s.ns.labels.foo\") \"bar\" }}", "bar");
	check("{{ or (index . \"k8s.ns.name\") \"bar\" }}", "shop");
	check("Alert : rule *{{ .Rule }}* by *{{ index .OutputFields \"proc.name\" }}*",
		"Alert : rule *A rule* by *sh*");
}

TEST(text_and_blanks_stay_unless_a_minus_takes_them)
{
	check("", "");
	check("a } b { c", "a } b { c");
	check("a {{ \"b\" }} c", "a b c");
	check("a {{- \"b\" -}} \n c", "abc");
	check("a{{/* nothing */}}b {{- /* x */ -}} c", "abc");
	check("{{\"\\\"q\\\" \\\\ \\n\"}}{{`r\\n`}}", "\"q\" \\ \nr\\n");
}

TEST(values_print_as_they_came)
{
	check("{{ .big }}", "18446744073709551615");
	check("{{ .null }} {{ .none }} {{ .none.deeper }}", "<no value> <no value> <no value>");
	check("{{ .Tags }} {{ .yes }}", "[a b] true");
	check("{{ index .Tags 1 }}{{ index .Tags 7 }}", "b<no value>");
	check("{{ 7 }}{{ -3 }}{{ true }}{{ nil }}", "7-3true<no value>");
	check("{{ index .OutputFields \"b\" | printf \"%v-%v\" 1 }}", "1-2");
	check("{{ printf \"%s|%d|%q|%%|%x\" .Rule .big \"a\\\"\" 1 }}",
		"A rule|18446744073709551615|\"a\\\"\"|%|%!x");
	check("{{ print \"a\" 1 2 \"b\" }}{{ len .Tags }}{{ len .Rule }}{{ len .none }}",
		"a1 2b260");
}

TEST(conditions_choose_and_loops_repeat)
{
	check("{{ if .Rule }}yes{{ else }}no{{ end }}", "yes");
	check("{{ if .none }}yes{{ else if .Empty }}two{{ else if .yes }}three{{ end }}", "three");
	check("{{ if not .none }}n{{ end }}{{ if and .Rule .none }}x{{ end }}", "n");
	check("{{ if eq .Rule \"x\" \"A rule\" }}e{{ end }}{{ if ne .Rule \"x\" }}d{{ end }}",
		"ed");
	check("{{ if .zero }}a number of the data is text{{ end }}",
		"a number of the data is text");
	check("{{ if len .Empty }}x{{ else }}a length is a number{{ end }}",
		"a length is a number");
	check("{{ range .Tags }}<{{ . }}>{{ end }}", "<a><b>");
	check("{{ range .OutputFields }}{{ . }},{{ end }}", "1,2,sh,");
	check("{{ range .Empty }}x{{ else }}none of {{ .Rule }}{{ end }}", "none of A rule");
}

TEST(what_is_not_known_is_told_with_its_place)
{
	check("a\n  {{ lower .Rule }}",
		"line 2, column 6: these functions are known: and eq index len ne not or print "
		"printf; not \"lower\"");
	check("{{ $x }}", "line 1, column 4: templates here do not know variables");
	check("{{ with .Rule }}{{ end }}", "line 1, column 4: templates here do not know \"with\"");
	check("{{ .Rule ", "line 1, column 10: here }} was expected, not");
	check("{{ if .Rule }}", "line 1, column 4: this block has no {{ end }}");
	check("{{ end }}", "line 1, column 10: here is no block that could end");
	check("{{ }}", "line 1, column 4: a value is missing here");
	check("{{ \"a }}", "line 1, column 4: this text has no end");
	check("{{ (.Rule }}", "line 1, column 4: this ( is not closed");
	check("{{ .Rule .Rule }}", "line 1, column 10: here }} was expected, not \".Rule }}\"");
	check("{{ 1.5 }}", "line 1, column 5: here }} was expected, not \".5 }}\"");
	check("{{ eq 1 }}", "line 1, column 4: wrong number of arguments for \"eq\"");
	check("{{ or index 1 }}", "line 1, column 7: wrong number of arguments for \"index\"");
	check("{{ index.T }}", "line 1, column 9: after a word a blank must stand");
	check("{{ .Rule | .Rule }}", "line 1, column 12: after a | a function must stand");
	check("{{/* x", "line 1, column 3: this comment has no end");
}

TEST(nesting_has_a_ceiling)
{
	struct template *template = NULL;
	struct buffer text;
	struct error err;

	buffer_init(&text, TEMPLATE_MAX);
	for (int i = 0; i < 1000; i++)
		buffer_add_string(&text, "{{if 1}}");
	CHECK_NUMBER(template_parse(buffer_text(&text), &template, &err), -EINVAL);
	CHECK(strstr(err.message, "nested too deeply") != NULL);
	buffer_clear(&text);
	buffer_add_string(&text, "{{");
	for (int i = 0; i < 1000; i++)
		buffer_add_char(&text, '(');
	CHECK_NUMBER(template_parse(buffer_text(&text), &template, &err), -EINVAL);
	buffer_done(&text);
}

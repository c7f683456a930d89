/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/metrics.h"
#include "tests/test.h"

TEST(series_are_printed_sorted_with_help_and_type)
{
	struct metrics *metrics = metrics_new();
	struct buffer out;

	buffer_init(&out, 4096);
	*metrics_gauge(metrics, "b_depth", "How deep", NULL) = -3;
	*metrics_counter(metrics, "a_total", "How many", "x=\"2\"") += 2;
	*metrics_counter(metrics, "a_total", "How many", "x=\"1\"") += 1;
	*metrics_counter(metrics, "a_total", "How many", "x=\"2\"") += 5;
	metrics_write(metrics, &out);
	CHECK_TEXT(out.data, "# HELP a_total How many\n"
			     "# TYPE a_total counter\n"
			     "a_total{x=\"1\"} 1\n"
			     "a_total{x=\"2\"} 7\n"
			     "# HELP b_depth How deep\n"
			     "# TYPE b_depth gauge\n"
			     "b_depth -3\n");
	buffer_done(&out);
	metrics_free(metrics);
}

TEST(a_name_that_begins_another_keeps_its_series_together)
{
	struct metrics *metrics = metrics_new();
	struct buffer out;

	buffer_init(&out, 4096);
	*metrics_counter(metrics, "a", "A", "x=\"1\"") = 1;
	*metrics_counter(metrics, "a_b", "AB", NULL) = 2;
	*metrics_counter(metrics, "a", "A", NULL) = 3;
	metrics_write(metrics, &out);
	CHECK_TEXT(out.data, "# HELP a A\n# TYPE a counter\na 3\na{x=\"1\"} 1\n"
			     "# HELP a_b AB\n# TYPE a_b counter\na_b 2\n");
	buffer_done(&out);
	metrics_free(metrics);
}

TEST(label_values_are_escaped_and_made_valid_utf8)
{
	struct buffer labels;

	buffer_init(&labels, 4096);
	metrics_label(&labels, "rule", TEXT("a\"b\\c\nd\xff"));
	metrics_label(&labels, "p", TEXT("4"));
	CHECK_TEXT(labels.data, "rule=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\",p=\"4\"");
	buffer_done(&labels);
}

TEST(series_have_a_ceiling_and_what_is_beyond_it_is_counted)
{
	struct metrics *metrics = metrics_new();
	struct buffer out;
	char labels[32];

	for (int i = 0; i < 10005; i++) {
		snprintf(labels, sizeof(labels), "i=\"%05d\"", i);
		(*metrics_counter(metrics, "a", "A", labels))++;
	}
	CHECK_NUMBER(metrics_overflow(metrics), 5);
	CHECK_NUMBER(*metrics_counter(metrics, "a", "A", "i=\"09999\""), 1);
	buffer_init(&out, 1024 * 1024);
	metrics_write(metrics, &out);
	CHECK(!text_contains(buffer_text(&out), TEXT("10000")));
	buffer_done(&out);
	metrics_free(metrics);
}

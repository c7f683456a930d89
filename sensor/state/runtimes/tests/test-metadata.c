/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/memory.h"
#include "sensor/state/runtimes/metadata.h"
#include "tests/test.h"

static void check_slice(struct text got, const char *want)
{
	_cleanup_(freep) char *copy = got.data ? text_to_string(got) : NULL;

	CHECK_TEXT(copy, want);
}

TEST(an_images_reference_falls_into_its_parts)
{
	static const struct {
		const char *reference, *repository, *tag, *digest;
	} rows[] = {
		{ "busybox", "busybox", NULL, NULL },
		{ "busybox:1.36", "busybox", "1.36", NULL },
		{ "docker.io/library/busybox:1.36", "docker.io/library/busybox", "1.36", NULL },
		{ "localhost:5000/app", "localhost:5000/app", NULL, NULL },
		{ "localhost:5000/app:v2", "localhost:5000/app", "v2", NULL },
		{ "quay.io/a/b@sha256:12", "quay.io/a/b", NULL, "sha256:12" },
		{ "quay.io:443/a/b:3@sha256:12", "quay.io:443/a/b", "3", "sha256:12" },
		{ "sha256:12", NULL, NULL, "sha256:12" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", NULL, NULL,
			NULL },
		{ "", NULL, NULL, NULL },
		{ ":1", NULL, NULL, NULL },
		{ "a/", "a/", NULL, NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct image_name name = image_name_split(text_of(rows[i].reference));

		check_slice(name.repository, rows[i].repository);
		check_slice(name.digest, rows[i].digest);
		if (rows[i].repository)
			check_slice(name.tag, rows[i].tag);
	}
}

TEST(an_image_gets_the_digest_that_its_own_repository_knows)
{
	struct metadata *metadata = metadata_new("docker");
	struct text digests[] = { TEXT("mirror.example/busybox@sha256:aa"),
		TEXT("docker.io/library/busybox@sha256:bb") };
	struct text tags[] = { TEXT("busybox:1.36") };

	metadata_set_image(metadata, TEXT("busybox"), tags, 1, digests, 2);
	check_slice(metadata->repository, "busybox");
	check_slice(metadata->tag, "latest");
	check_slice(metadata->digest, "sha256:bb");

	metadata_set_image(metadata, TEXT("sha256:cc"), tags, 1, digests, 1);
	check_slice(metadata->repository, "busybox");
	check_slice(metadata->tag, "1.36");
	check_slice(metadata->digest, "sha256:aa");

	metadata_set_image(metadata, TEXT("sha256:cc"), NULL, 0, NULL, 0);
	check_slice(metadata->repository, NULL);
	check_slice(metadata->digest, "sha256:cc");
	metadata_release(metadata);
}

TEST(text_is_kept_as_valid_utf8_without_control_characters)
{
	static const struct {
		struct text text;
		const char *want;
	} rows[] = {
		{ TEXT("plain"), "plain" },
		{ TEXT("a\nb\tc\rd"), "a b c d" },
		{ TEXT("\x1b[2Jx"), "\xef\xbf\xbd[2Jx" },
		{ TEXT("nul\0here"), "nul\xef\xbf\xbdhere" },
		{ TEXT("\xff\xc3"), "\xef\xbf\xbd\xef\xbf\xbd" },
		{ TEXT("\xc3\xa4"), "\xc3\xa4" },
		{ TEXT("\xc2\x9b"
		       "31m"),
			"\xef\xbf\xbd"
			"31m" },
		{ TEXT("\xe2\x80\xa8"), "\xef\xbf\xbd" },
		{ TEXT("\xe2\x82\xac"), "\xe2\x82\xac" },
	};
	struct kept kept = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_slice(keep_text(&kept, rows[i].text), rows[i].want);
	CHECK(!keep_text(&kept, (struct text){ 0 }).data);
	kept_done(&kept);
}

TEST(a_long_text_is_cut_between_two_characters_and_counted)
{
	struct kept kept = { 0 };
	struct text cut = keep_text_up_to(&kept, TEXT("12345\xc3\xa4\xc3\xa4"), 8);

	check_slice(cut, "12345\xc3\xa4");
	CHECK_NUMBER(kept.cut, 1);
	kept_done(&kept);
}

TEST(huge_labels_stay_below_the_ceiling)
{
	_cleanup_(freep) char *huge = memory_new(1, 1 << 20);
	struct metadata *metadata = metadata_new("docker");
	struct text value = { huge, 1 << 20 };
	char key[32];

	memset(huge, 'x', 1 << 20);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		labels_add(&metadata->labels, &metadata->kept, text_of(key), value);
	}
	CHECK(metadata->kept.bytes <= METADATA_BYTES_MAX);
	CHECK(metadata->labels.count > 10 && metadata->labels.count <= METADATA_LABELS_MAX);
	CHECK(metadata->kept.cut > 4000);
	CHECK_NUMBER(labels_get(&metadata->labels, "key-0").length, METADATA_TEXT_MAX);
	metadata_release(metadata);
}

TEST(a_heap_of_labels_and_mounts_pushes_nothing_else_out)
{
	_cleanup_(freep) char *huge = memory_new(1, 1 << 20);
	_cleanup_(freep) struct label *labels = NEW_ARRAY(struct label, 2001);
	struct metadata *metadata = metadata_new("docker");
	char keys[2000][16];

	memset(huge, 'x', 1 << 20);
	for (int i = 0; i < 2000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "a%d", i);
		labels[i] = (struct label){ text_of(keys[i]), { huge, 3000 } };
	}
	labels[2000] = (struct label){ TEXT("team"), TEXT("blue") };
	labels_add_all(&metadata->labels, &metadata->kept, labels, 2001);
	for (int i = 0; i < 2000; i++)
		metadata_add_mount(metadata,
			&(struct mount){ .source = { huge, 3000 }, .destination = { huge, 3000 } });
	metadata_set_image(metadata, TEXT("quay.io/team/web:1"), NULL, 0, NULL, 0);
	metadata_finish(metadata);
	check_slice(labels_get(&metadata->labels, "team"), "blue");
	check_slice(metadata->repository, "quay.io/team/web");
	CHECK(metadata->mounts_text.length > 0 && metadata->labels_text.length > 0);
	CHECK(metadata->kept.bytes <= METADATA_BYTES_MAX);
	metadata_release(metadata);
}

TEST(labels_are_found_by_their_whole_key_and_the_first_of_two_stays)
{
	struct metadata *metadata = metadata_new("docker");
	static const char *const keys[] = { "b", "a", "c", "app", "a" };

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		labels_add(&metadata->labels, &metadata->kept, text_of(keys[i]),
			i == 4 ? TEXT("late") : text_of(keys[i]));
	CHECK_NUMBER(metadata->labels.count, 4);
	check_slice(labels_get(&metadata->labels, "a"), "a");
	check_slice(labels_get(&metadata->labels, "app"), "app");
	CHECK(!labels_get(&metadata->labels, "ap").data);
	labels_add(&metadata->labels, &metadata->kept, TEXT(""), TEXT("nobody"));
	CHECK_NUMBER(metadata->labels.count, 4);
	metadata_release(metadata);
}

TEST(kubernetes_labels_on_a_container_tell_its_pod)
{
	struct metadata *metadata = metadata_new("docker");

	labels_add(
		&metadata->labels, &metadata->kept, TEXT("io.kubernetes.pod.name"), TEXT("web-1"));
	labels_add(&metadata->labels, &metadata->kept, TEXT("io.kubernetes.pod.namespace"),
		TEXT("shop"));
	metadata_finish(metadata);
	check_slice(metadata->pod->name, "web-1");
	check_slice(metadata->pod->namespace_name, "shop");
	CHECK(!metadata->pod->uid.data);
	metadata_release(metadata);
}

TEST(a_command_of_many_lines_is_known_again_by_how_it_was_kept)
{
	static const char *const raw[] = { "sh -c if true\n\tthen exit 0\nfi",
		"caf\xc3\xa9 \xff \x1b[2J", "" };
	struct kept kept = { 0 };

	for (size_t i = 0; i < COUNT_OF(raw); i++)
		CHECK(kept_equals(keep_text(&kept, text_of(raw[i])), text_of(raw[i])));
	CHECK(!kept_equals(TEXT("sh -c true"), TEXT("sh -c true x")));
	CHECK(!kept_equals(TEXT("sh -c true x"), TEXT("sh -c true")));
	CHECK(!kept_equals(TEXT("sh -c true"), TEXT("sh -c\x1btrue")));
	kept_done(&kept);
}

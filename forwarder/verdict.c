/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer means for the alerts that were sent, where the receiver has no rules of its own.
 */
#include <errno.h>

#include "base/memory.h"
#include "forwarder/output.h"

static const struct {
	unsigned from, to;
	enum verdict verdict;
} verdicts[] = {
	{ 200, 299, VERDICT_SENT },
	{ 300, 399, VERDICT_OUTPUT_REFUSED }, /* redirects are not followed: the URL is wrong */
	{ 400, 400, VERDICT_ALERT_REFUSED },
	{ 401, 401, VERDICT_OUTPUT_REFUSED },
	{ 403, 405, VERDICT_OUTPUT_REFUSED },
	{ 407, 407, VERDICT_OUTPUT_REFUSED },
	{ 410, 410, VERDICT_OUTPUT_REFUSED },
	{ 413, 414, VERDICT_ALERT_REFUSED },
	{ 422, 422, VERDICT_ALERT_REFUSED },
	{ 431, 431, VERDICT_ALERT_REFUSED },
};

/*
 * A receiver that is not there says nothing about an alert, so nothing is given up for it. One
 * that hangs or breaks off may do so because of this very alert: that counts as a try.
 */
static enum verdict verdict_of_error(int error)
{
	switch (error) {
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -EPROTO:
	case -EINVAL:
		return VERDICT_OUTPUT_REFUSED;
	default:
		return VERDICT_LATER;
	}
}

enum verdict verdict_of_answer(const struct http_answer *answer)
{
	if (answer->error)
		return verdict_of_error(answer->error);
	for (size_t i = 0; i < COUNT_OF(verdicts); i++)
		if (answer->status >= verdicts[i].from && answer->status <= verdicts[i].to)
			return verdicts[i].verdict;
	/* 408, 425, 429, 5xx, and what nobody thought of. */
	return VERDICT_LATER;
}

int check_url(const char *key, const char *url, struct error *err)
{
	static const struct text schemes[] = { { "http://", 7 }, { "https://", 8 } };
	struct text text = text_of(url);

	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		struct text host;

		if (!text_starts_with(text, schemes[i]))
			continue;
		host = text_slice(text, schemes[i].length, text.length);
		if (host.length && host.data[0] != '/' && host.data[0] != ':' &&
			!strpbrk(url, " \t\r\n"))
			return 0;
	}
	return error_set(err, -EINVAL,
		"%s must be a URL such as http://receiver:8080/path, not \"%s\"", key, url);
}

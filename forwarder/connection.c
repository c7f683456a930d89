/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of an output.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "forwarder/connection.h"

struct connection {
	const struct output *output;
	const void *settings;
	const struct output_trust *trust;
	void *opened; /* the output's; NULL: closed */
};

struct connection *connection_new(
	const struct output *output, const void *settings, const struct output_trust *trust)
{
	struct connection *connection = NEW(struct connection);

	*connection = (struct connection){ output, settings, trust, NULL };
	return connection;
}

bool connection_is_open(const struct connection *connection)
{
	return connection->opened != NULL;
}

void connection_close(struct connection *connection)
{
	if (connection->opened)
		connection->output->close(TAKE(connection->opened));
}

void connection_free(struct connection *connection)
{
	if (!connection)
		return;
	connection_close(connection);
	free(connection);
}

static struct request *compose_all(const struct connection *connection, const struct parcel *parcel)
{
	struct request *requests = NEW_ARRAY(struct request, parcel->count);

	for (size_t i = 0; i < parcel->count; i++) {
		request_init(&requests[i]);
		parcel_compose_one(
			parcel, i, connection->output, connection->settings, &requests[i]);
	}
	return requests;
}

static void free_requests(struct request *requests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		request_done(&requests[i]);
	free(requests);
}

static enum verdict send_all(struct connection *connection, const struct parcel *parcel,
	int timeout_ms, struct error *err)
{
	struct request *requests = compose_all(connection, parcel);
	enum verdict verdict = connection->output->send(
		connection->opened, requests, parcel->count, timeout_ms, err);

	free_requests(requests, parcel->count);
	return verdict;
}

enum verdict connection_send(struct connection *connection, const struct parcel *parcel,
	int timeout_ms, struct error *err)
{
	enum verdict verdict;

	if (!connection->opened && connection->output->open(connection->settings, connection->trust,
					   timeout_ms, &connection->opened, err) < 0)
		return VERDICT_OUTPUT_REFUSED;
	verdict = send_all(connection, parcel, timeout_ms, err);
	if (verdict == VERDICT_LATER || verdict == VERDICT_OUTPUT_REFUSED)
		connection_close(connection);
	return verdict;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as lines on the control socket. The socket and what stands behind the requests are replaced here, so that what is fuzzed is
 * the judge of requests alone: each line is either handed on once, whole and well formed, or refused once; an order is handed on only
 * for who may give one. The first byte of an input says whether the asker may.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/control_part.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static io_usock_fn door;
static bool may_order;
static unsigned answers; /* to the line at hand: replies and requests handed on */

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* --- the socket --- */

int io_usock_create(
    struct io_loop *loop, const struct io_usock_spec *spec, struct io_usock **ret, struct osha_err *reterr)
{
	(void)loop;
	(void)reterr;
	*ret = NULL;
	door = spec->fn;
	return 0;
}

void io_usock_destroy(struct io_usock *server)
{
	(void)server;
}

bool io_usock_is_trusted(struct io_usock *server, uint64_t client)
{
	(void)server;
	(void)client;
	return may_order;
}

int io_usock_reply(struct io_usock *server, uint64_t client, const char *line, size_t size)
{
	JSON_AUTO cJSON *o = NULL;

	(void)server;
	(void)client;
	must(!memchr(line, '\n', size), "a reply is one line");
	must(json_parse(line, size, &o, NULL) == 0 && cJSON_IsObject(o), "a reply is a JSON object");
	must(!json_bool(o, "ok", true) && json_str(o, "error", "")[0], "a refusal says why");
	answers++;
	return 0;
}

int64_t io_wall_ms(void)
{
	return 0;
}

/* --- what stands behind the requests --- */

static void take(const struct control_request *q, bool is_order)
{
	const cJSON *x;

	must(!is_order || may_order, "an order is taken from whom may give one");
	cJSON_ArrayForEach(x, q->json)
	{
		must(cJSON_IsBool(x) || cJSON_IsString(x), "only words and yes or no are handed on");
		must(!cJSON_IsString(x) || (x->valuestring[0] && strlen(x->valuestring) < 256),
		    "words are neither empty nor long");
	}
	answers++;
}

#define STANDS_FOR(name, is_order)                                                                                     \
	void name(struct control *c, const struct control_request *q)                                                  \
	{                                                                                                              \
		(void)c;                                                                                               \
		take(q, is_order);                                                                                     \
	}
STANDS_FOR(control_status, false)
STANDS_FOR(control_hosts, false)
STANDS_FOR(control_fences, false)
STANDS_FOR(control_recoveries, false)
STANDS_FOR(control_observed, false)
STANDS_FOR(control_recovery, false)
STANDS_FOR(control_explain, false)
STANDS_FOR(control_fence_test, true)
STANDS_FOR(control_maintenance, true)
STANDS_FOR(control_suspend, true)
STANDS_FOR(control_resume, true)
STANDS_FOR(control_release, true)
STANDS_FOR(control_approve, true)
STANDS_FOR(control_confirm_dead, true)
STANDS_FOR(control_reload, true)

int control_desks_open(struct control *c, struct osha_err *reterr)
{
	(void)c;
	(void)reterr;
	return 0;
}

#define CLOSES_NOTHING(name)                                                                                           \
	void name(struct control *c)                                                                                   \
	{                                                                                                              \
		(void)c;                                                                                               \
	}
CLOSES_NOTHING(control_desks_close)
CLOSES_NOTHING(control_tests_close)
CLOSES_NOTHING(control_orders_close)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct daemon d;
	static struct config cfg;
	const struct io_usock_peer peer = {.client = 1, .uid = 1000};

	if (n == 0)
		return 0;
	d.cfg = &cfg;
	may_order = bytes[0] % 2;
	must(control_open(&d, NULL) == 0, "it opens");
	bytes++;
	n--;
	while (n > 0) {
		const uint8_t *end = memchr(bytes, '\n', n);
		size_t size = end ? (size_t)(end - bytes) : n;

		answers = 0;
		door(d.control, &peer, (const char *)bytes, size);
		must(answers == 1, "one line, one answer");
		bytes += size + (end != NULL);
		n -= size + (end != NULL);
	}
	control_close(&d);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the judges of answers. The first byte chooses the kind of call (or the token, or the versions); what follows are answers, each
 * one ended by byte 0x1e: a byte that chooses the status, then the body. When they run out the last one is given again. Whatever
 * comes, the call must end and its result must keep the promises of cloud/call.h.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "cloud/call.h"
#include "cloud/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { REQUESTS_MAX = 3000, SEPARATOR = 0x1e };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static void check_text(const char *text, size_t size)
{
	must(memchr(text, '\0', size) != NULL, "text is terminated");
	for (; *text; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f, "text holds no control characters");
}

static void check_instances(const struct cloud_result *r)
{
	for (size_t i = 0; i < r->n_instances; i++) {
		const struct instance_view *v = &r->instances[i];

		must(v->uuid[0] != '\0', "an instance has an id");
		must(i == 0 || strcmp(r->instances[i - 1].uuid, v->uuid) < 0, "instances are sorted, each one once");
		must((unsigned)v->state < SERVER_STATE_N && (unsigned)v->task < TASK_N, "words are known");
		must((unsigned)v->evacuation.status < MIGRATION_STATUS_N, "words are known");
		must(v->evacuation.id == 0 || strcmp(v->evacuation.instance, v->uuid) == 0,
		    "evacuations are the instance's own");
		check_text(v->name, sizeof(v->name));
		check_text(v->fault, sizeof(v->fault));
		check_text(v->host, sizeof(v->host));
	}
}

static void check_result(const struct cloud_result *r, enum cloud_kind kind)
{
	must(r != NULL, "a call that has ended has a result");
	if (!r)
		return;
	must((r->outcome == OUTCOME_DONE) == (r->fault == FAULT_NONE), "done and only done is without fault");
	must((r->outcome == OUTCOME_DONE) == (r->reason[0] == '\0'), "what is not done has a reason");
	must(r->outcome != OUTCOME_UNKNOWN || cloud_kind_is_mutating(kind), "a question is never unknown");
	must(r->outcome == OUTCOME_DONE ||
		 r->n_services + r->n_instances + r->n_migrations + r->n_unfinished + r->n_people == 0,
	    "half of the truth is nobody's");
	check_text(r->reason, sizeof(r->reason));
	for (size_t i = 0; i < r->n_services; i++)
		check_text(r->services[i].view.disabled_reason, REASON_SIZE);
	for (size_t i = 0; i < r->n_people; i++) {
		check_text(r->people[i].name, sizeof(r->people[i].name));
		check_text(r->people[i].email, sizeof(r->people[i].email));
	}
	check_instances(r);
}

static const int statuses[] = {
    200, 200, 200, 200, 202, 201, 204, 302, 400, 401, 403, 404, 406, 409, 413, 429, 500, 503, 0, 777};

/* Takes the next answer off the input; its body stands in memory of its own size. */
static struct cloud_answer next_answer(const uint8_t **bytes, size_t *n)
{
	const uint8_t *end = *n ? memchr(*bytes, SEPARATOR, *n) : NULL;
	size_t size = end ? (size_t)(end - *bytes) : *n;
	struct cloud_answer a = {.status = 200};
	char *body;

	if (size > 0) {
		a.status = statuses[**bytes % (sizeof(statuses) / sizeof(statuses[0]))];
		a.transport_result = a.status ? 0 : -(1 + **bytes % (OSHA_E_N - 1));
		a.may_have_been_sent = **bytes & 0x80;
		a.body_size = size - 1;
	}
	body = malloc(a.body_size ? a.body_size : 1);
	must(body != NULL, "memory");
	if (body && a.body_size)
		memcpy(body, *bytes + 1, a.body_size);
	a.body = body;
	if (end) {
		*bytes += size + 1;
		*n -= size + 1;
	}
	return a;
}

static void fuzz_call(enum cloud_kind kind, const uint8_t *bytes, size_t n)
{
	const struct cloud_args args = {.kind = kind,
	    .host = "cmp-01",
	    .instance = "5078f212-25f8-440c-b507-58113c1e7c39",
	    .project = "bd34711f75144e478e88211d58a2b54a",
	    .reason = "osha kq3f7m-42"};
	struct cloud_call *call = NULL;
	struct cloud_request request;
	enum cloud_next next = CLOUD_MORE;

	must(cloud_call_begin(&args, &call, NULL) == 0, "good arguments begin a call");
	for (int i = 0; next == CLOUD_MORE; i++) {
		struct cloud_answer a = next_answer(&bytes, &n);

		must(i < REQUESTS_MAX, "a call ends");
		must(cloud_call_request(call, &request), "a call that goes on has a request");
		must(request.path[0] == '/' && !strpbrk(request.path, " \r\n#"), "a path is fit for a request line");
		must(!request.is_mutating || cloud_kind_is_mutating(kind), "a question changes nothing");
		next = cloud_call_answer(call, &a);
		free((void *)(uintptr_t)a.body);
	}
	must(!cloud_call_request(call, &request), "a call that has ended asks nothing");
	check_result(cloud_call_result(call), kind);
	cloud_call_free(&call);
}

static void fuzz_identity(const uint8_t *bytes, size_t n)
{
	const struct cloud_credentials c = {.auth_url = "http://127.0.0.1:5000/v3"};
	struct cloud_token t = {0};
	struct cloud_versions v = {0};
	struct osha_err err = {0};
	struct cloud_answer a = next_answer(&bytes, &n);

	if (a.transport_result == 0) {
		a.status = a.status == 200 ? 201 : a.status;
		if (cloud_token_judge(&a, "token", &c, &t, &err) == 0) {
			must(t.token && strncmp(t.compute_url, "http", 4) == 0, "a token has an endpoint");
			must(strcmp(t.compute_url + strlen(t.compute_url) - 5, "/v2.1") == 0,
			    "its URL ends in the version");
		} else {
			must(!t.token && err.code != 0, "no token without an error");
		}
		cloud_token_clear(&t);
		if (cloud_versions_judge(200, a.body, a.body_size, &v, &err) == 0)
			must(v.max_minor >= 69, "a cloud that is good enough");
	}
	free((void *)(uintptr_t)a.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] % (CLOUD_KIND_N + 1) == CLOUD_KIND_N)
		fuzz_identity(bytes + 1, n - 1);
	else
		fuzz_call((enum cloud_kind)(bytes[0] % (CLOUD_KIND_N + 1)), bytes + 1, n - 1);
	return 0;
}

#ifndef OSHA_LIBFUZZER
enum { INPUT_MAX = 1 << 20 };

static size_t file_read(const char *path, uint8_t *bytes, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	must(f != NULL, path);
	n = fread(bytes, 1, max, f);
	(void)fclose(f);
	return n;
}

/* Changes a few bytes, mostly to what means something in JSON, and now and then cuts the end off. */
static void mutate(struct rng *r, uint8_t *bytes, size_t *n)
{
	static const char pieces[] = "\"\"{}[],::0-9.eEnulltrfas\\\x1e \n";

	for (uint64_t k = 1 + rng_below(r, 8); k > 0 && *n > 3; k--)
		bytes[rng_below(r, *n)] =
		    rng_chance(r, 700) ? (uint8_t)pieces[rng_below(r, sizeof(pieces) - 1)] : (uint8_t)rng_next(r);
	if (rng_chance(r, 150))
		*n = rng_below(r, *n) + 1;
}

/* What stands before the file in an input: the kind, and for half of them an answer that a host's service is there. */
static size_t prefix_write(uint8_t *input, int kind, bool has_service)
{
	static const char service[] = "{\"services\":[{\"binary\":\"nova-compute\",\"host\":\"cmp-01\",\"id\":\"i1\","
				      "\"status\":\"enabled\",\"state\":\"down\",\"forced_down\":false}]}\x1e";
	size_t n = 0;

	input[n++] = (uint8_t)kind;
	input[n++] = 0;
	if (!has_service)
		return n;
	memcpy(input + n, service, sizeof(service) - 1);
	n += sizeof(service) - 1;
	input[n++] = 0;
	return n;
}

/* One file as the answer to every kind of call, first as it is, then changed @rounds times. */
static void run_file(struct rng *r, const char *path, unsigned long rounds)
{
	static uint8_t whole[INPUT_MAX], input[INPUT_MAX];
	const size_t n = file_read(path, whole, sizeof(whole) - 1024);

	for (int kind = 0; kind <= CLOUD_KIND_N; kind++) {
		for (unsigned long k = 0; k <= rounds; k++) {
			size_t before = prefix_write(input, kind, k % 2);
			size_t m = n;

			memcpy(input + before, whole, n);
			if (k > 1)
				mutate(r, input + before, &m);
			(void)LLVMFuzzerTestOneInput(input, before + m);
		}
	}
}

/* fuzz_cloud_judge ROUNDS SEED FILE... */
int main(int argc, char **argv)
{
	struct rng r;

	must(argc > 3, "usage: fuzz_cloud_judge ROUNDS SEED FILE...");
	r.state = strtoull(argv[2], NULL, 10);
	(void)printf("seed %s\n", argv[2]);
	for (int i = 3; i < argc; i++)
		run_file(&r, argv[i], strtoul(argv[1], NULL, 10));
	return 0;
}
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One request of a call as HTTP: URL, headers, certificates, the time it may take. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session_private.h"

enum {
	HEADERS_MAX = 8,
	ENDING_MS = 50, /* a request ends this much before its call, so that the answer says how far it came */
};

struct io_http_request session_request_base(const struct cloud_session *s)
{
	return (struct io_http_request){
	    .max_body_bytes = CLOUD_BODY_MAX_BYTES,
	    .cacert = s->credentials.cacert,
	    .insecure = !s->credentials.verify,
	    .client_cert = s->credentials.cert,
	    .client_key = s->credentials.key,
	};
}

unsigned session_retry_after_s(const struct io_http_answer *answer)
{
	char text[16];
	unsigned value = 0;

	if (!io_http_answer_header(answer, "Retry-After", text, sizeof(text)) || strlen(text) > 6)
		return 0;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		value = value * 10 + (unsigned)(*p - '0');
	}
	return value;
}

static void on_answer(void *arg, const struct io_http_answer *answer)
{
	session_answered(arg, answer);
}

/* The two spellings of the header: nova before and after 2.27, both harmless to the other. */
static int version_headers(
    const struct cloud_session *s, const struct cloud_request *r, char lines[2][64], struct osha_err *reterr)
{
	char version[16];
	int result = cloud_microversion_pick(
	    r->microversion, r->microversion_min, &s->versions, version, sizeof(version), reterr);

	if (result < 0)
		return result;
	snprintf(lines[0], 64, "OpenStack-API-Version: compute %s", version);
	snprintf(lines[1], 64, "X-OpenStack-Nova-API-Version: %s", version);
	return 0;
}

static int64_t time_for(const struct cloud_op *op, unsigned share_percent)
{
	int64_t left_ms = op->deadline_ms - io_now_ms(op->session->loop) - ENDING_MS;

	left_ms = left_ms * share_percent / 100;
	return left_ms < 1 ? 1 : left_ms;
}

static bool is_late(const struct cloud_op *op, const struct cloud_request *r)
{
	return r->is_mutating && !op->was_sent && op->waiter.start_by_ms && io_boot_ms() > op->waiter.start_by_ms;
}

int session_send(struct cloud_op *op, struct osha_err *reterr)
{
	struct cloud_session *s = op->session;
	STRBUF_AUTO struct strbuf url = STRBUF_INIT;
	STRBUF_AUTO struct strbuf auth = STRBUF_INIT;
	char versions[2][64];
	const char *headers[HEADERS_MAX] = {NULL};
	struct io_http_request request = session_request_base(s);
	struct cloud_request r;
	size_t n = 0;
	int result;

	if (!cloud_call_request(op->call, &r))
		return osha_err_set(reterr, OSHA_E_INTERNAL, "a call that has ended was sent");
	if (is_late(op, &r))
		return osha_err_set(reterr, OSHA_E_TIMEOUT, "it could not be sent within its start window");
	op->was_sent = true;
	strbuf_puts(&url, r.microversion ? s->token.compute_url : s->token.identity_url);
	strbuf_puts(&url, r.path);
	strbuf_printf(&auth, "X-Auth-Token: %s", s->token.token);
	if (url.failed || auth.failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "out of memory");
	result = r.microversion ? version_headers(s, &r, versions, reterr) : 0;
	if (result < 0)
		return result;
	headers[n++] = auth.text;
	headers[n++] = "Accept: application/json";
	headers[n++] = s->user_agent;
	if (r.body)
		headers[n++] = "Content-Type: application/json";
	for (int i = 0; r.microversion && i < 2; i++)
		headers[n++] = versions[i];
	request.method = r.method;
	request.url = url.text;
	request.headers = headers;
	request.body = r.body;
	request.body_size = r.body ? strlen(r.body) : 0;
	request.timeout_ms = time_for(op, r.share_percent);
	op->token_number = s->token_number;
	s->stats.requests++;
	result = io_http_start(s->http, &request, on_answer, op, &op->http, reterr);
	explicit_bzero(auth.text, auth.len);
	return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token and nova's version, one request at a time, shared by all calls of the session. A token's age is counted on our own clock
 * from the moment it was asked for: keystone's clock and ours need not agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session_private.h"

static bool versions_are_known(const struct cloud_session *s)
{
	return s->versions_url[0] && str_eq(s->versions_url, s->token.compute_url);
}

bool session_is_ready(const struct cloud_session *s)
{
	return s->token.token && versions_are_known(s) && io_now_ms(s->loop) < s->renew_at_ms;
}

void session_token_drop(struct cloud_session *s)
{
	cloud_token_clear(&s->token);
	s->renew_at_ms = 0;
}

static void token_keep(struct cloud_session *s, struct cloud_token *t)
{
	const int64_t life_ms = t->expires_at_ms - t->issued_at_ms;
	int64_t early_ms = life_ms / 4;

	if (early_ms > SESSION_RENEW_EARLY_MS)
		early_ms = SESSION_RENEW_EARLY_MS;
	s->token_ends_ms = s->login_began_ms + life_ms;
	s->renew_at_ms = s->token_ends_ms - early_ms;
	cloud_token_clear(&s->token);
	s->token = *t;
	s->token_number++;
	s->stats.clock_skew_ms = t->issued_at_ms - io_wall_ms();
}

/* A token that is over before it begins would be asked for again and again. */
static int token_life_check(const struct cloud_token *t, struct osha_err *reterr)
{
	if (t->expires_at_ms > t->issued_at_ms)
		return 0;
	return osha_err_set(reterr, OSHA_E_GARBAGE, "the token ends before it begins");
}

static int transport_error(const struct io_http_answer *answer, struct osha_err *reterr)
{
	return osha_err_set(
	    reterr, -answer->result, "%s", answer->error[0] ? answer->error : osha_err_text(answer->result));
}

static int token_read(struct cloud_session *s, const struct io_http_answer *answer, struct osha_err *reterr)
{
	const struct cloud_answer a = {.status = answer->status, .body = answer->body, .body_size = answer->body_size};
	struct cloud_token t = {0};
	char *subject;
	int r;

	if (answer->result < 0)
		return transport_error(answer, reterr);
	subject = calloc(1, CLOUD_TOKEN_SIZE + 1);
	if (!subject)
		return osha_err_set(reterr, OSHA_E_NOMEM, "out of memory");
	r = cloud_token_judge(&a, io_http_answer_header(answer, "X-Subject-Token", subject, CLOUD_TOKEN_SIZE + 1),
	    &s->credentials, &t, reterr);
	cloud_secret_free(&subject);
	if (r == 0)
		r = token_life_check(&t, reterr);
	if (r < 0)
		cloud_token_clear(&t);
	else
		token_keep(s, &t);
	return r;
}

static int versions_start(struct cloud_session *s, struct osha_err *reterr);

/* The login goes on with what is still missing, or has ended. */
static void login_step_ended(struct cloud_session *s, int r, struct osha_err *err)
{
	const int64_t now_ms = io_now_ms(s->loop);

	if (r == 0 && !versions_are_known(s))
		r = versions_start(s, err);
	if (s->login)
		return;
	/* Keystone away while the old token is still good: go on with it and try again in a while. */
	if (r < 0 && r != -OSHA_E_AUTH && s->token.token && versions_are_known(s) && now_ms < s->token_ends_ms) {
		s->renew_at_ms = now_ms + SESSION_RENEW_AGAIN_MS;
		if (s->renew_at_ms > s->token_ends_ms)
			s->renew_at_ms = s->token_ends_ms;
		r = 0;
	}
	session_login_ended(s, r, err);
}

static void on_token(void *arg, const struct io_http_answer *answer)
{
	struct cloud_session *s = arg;
	struct osha_err err = {0};
	int r;

	s->login = NULL;
	r = token_read(s, answer, &err);
	if (r < 0)
		r = osha_err_wrap(&err, "token from keystone");
	login_step_ended(s, r, &err);
}

static void on_versions(void *arg, const struct io_http_answer *answer)
{
	struct cloud_session *s = arg;
	struct osha_err err = {0};
	int r;

	s->login = NULL;
	if (answer->result < 0)
		r = transport_error(answer, &err);
	else
		r = cloud_versions_judge(answer->status, answer->body, answer->body_size, &s->versions, &err);
	str_copy(s->versions_url, sizeof(s->versions_url), r == 0 ? s->token.compute_url : "");
	if (r == -OSHA_E_AUTH)
		session_token_drop(s);
	if (r < 0)
		r = osha_err_wrap(&err, "version of nova");
	session_login_ended(s, r, &err);
}

static int versions_start(struct cloud_session *s, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf auth = STRBUF_INIT;
	char url[CLOUD_URL_SIZE + 8];
	const char *headers[] = {NULL, "Accept: application/json", s->user_agent, NULL};
	struct io_http_request request = session_request_base(s);
	int r;

	snprintf(url, sizeof(url), "%s/", s->token.compute_url);
	strbuf_printf(&auth, "X-Auth-Token: %s", s->token.token);
	if (auth.failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "version of nova: out of memory");
	headers[0] = auth.text;
	request.method = "GET";
	request.url = url;
	request.headers = headers;
	request.timeout_ms = SESSION_LOGIN_TIMEOUT_MS;
	s->stats.requests++;
	r = io_http_start(s->http, &request, on_versions, s, &s->login, reterr);
	explicit_bzero(auth.text, auth.len);
	return r;
}

static int token_start(struct cloud_session *s, struct osha_err *reterr)
{
	CLOUD_SECRET_AUTO char *body = NULL;
	char url[CLOUD_URL_SIZE];
	const char *const headers[] = {
	    "Content-Type: application/json", "Accept: application/json", s->user_agent, NULL};
	struct io_http_request request = session_request_base(s);
	int r = cloud_token_url(&s->credentials, url, sizeof(url), reterr);

	if (r == 0)
		r = cloud_token_body(&s->credentials, &body, reterr);
	if (r < 0)
		return r;
	request.method = "POST";
	request.url = url;
	request.headers = headers;
	request.body = body;
	request.body_size = body ? strlen(body) : 0;
	request.timeout_ms = SESSION_LOGIN_TIMEOUT_MS;
	s->stats.requests++;
	s->stats.tokens++;
	s->login_began_ms = io_now_ms(s->loop);
	return io_http_start(s->http, &request, on_token, s, &s->login, reterr);
}

int session_login_start(struct cloud_session *s, struct osha_err *reterr)
{
	if (s->login)
		return 0;
	if (!s->token.token || io_now_ms(s->loop) >= s->renew_at_ms)
		return token_start(s, reterr);
	return versions_are_known(s) ? 0 : versions_start(s, reterr);
}

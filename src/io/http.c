/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP exchange: a request's bytes into libcurl, an answer's bytes out, within the caps. Sockets and deadlines are curl_pool.c's. */
#include "io/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "io/curl_pool.h"

struct io_http_call {
	struct curl_transfer transfer; /* first: the pool knows only this part */
	struct curl_slist *headers;
	io_http_fn fn;
	void *arg;
	struct strbuf body;
	struct strbuf header_block;
	const char *cap; /* the cap that was passed */
};

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct io_http_call *call = arg;
	if (size * n > call->body.max_bytes - call->body.len) {
		call->cap = "body over its cap";
		return 0;
	}
	strbuf_add(&call->body, bytes, size * n);
	return call->body.failed ? 0 : size * n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct io_http_call *call = arg;
	if (size * n >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		strbuf_reset(&call->header_block); /* what an interim 1xx answer said does not count */
		return size * n;
	}
	strbuf_add(&call->header_block, bytes, size * n);
	if (!call->header_block.failed)
		return size * n;
	call->cap = "headers over their cap";
	return 0;
}

static void free_call(struct curl_transfer *t)
{
	struct io_http_call *call = (struct io_http_call *)t;
	curl_transfer_close(t);
	curl_slist_free_all(call->headers);
	strbuf_free(&call->body);
	strbuf_free(&call->header_block);
	free(call);
}

static void on_end(struct curl_transfer *t, CURLcode code)
{
	struct io_http_call *call = (struct io_http_call *)t;
	long status = 0;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	struct io_http_answer answer = {
	    .result = curl_transfer_result(t, code),
	    .may_have_been_sent = code == CURLE_OK || t->is_sending,
	    .status = (int)status,
	    .body = call->body.text != NULL ? call->body.text : "",
	    .body_size = call->body.len,
	    .total_ms = curl_transfer_ms(t),
	    .error = call->cap != NULL ? call->cap : curl_transfer_text(t, code),
	    .header_block = call->header_block.text != NULL ? call->header_block.text : "",
	};
	if (answer.result == 0 && (status < 200 || status > 599)) {
		answer.result = -OSHA_E_GARBAGE;
		answer.error = "status out of range";
	}
	if (call->body.failed && call->cap == NULL)
		answer.result = -OSHA_E_NOMEM;
	/* Out of the pool first: the callback may start or cancel others, and must find this one gone. */
	curl_transfer_close(t);
	call->fn(call->arg, &answer);
	free_call(t);
}

static bool has_line_break(const char *s)
{
	return strpbrk(s, "\r\n") != NULL;
}

static int check_request(const struct io_http_request *req, struct osha_err *reterr)
{
	if (req->method == NULL || req->method[0] == '\0' ||
	    req->method[strspn(req->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
		return osha_err_set(reterr, OSHA_E_USAGE, "HTTP method is not a word in capitals");
	if (req->url == NULL || (!str_starts(req->url, "http://") && !str_starts(req->url, "https://")))
		return osha_err_set(reterr, OSHA_E_USAGE, "URL is neither http:// nor https://");
	for (const char *c = req->url; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c == 0x7f)
			return osha_err_set(reterr, OSHA_E_USAGE, "URL holds a blank or a control character");
	for (const char *const *h = req->headers; h != NULL && *h != NULL; h++)
		if (has_line_break(*h) || strchr(*h, ':') == NULL)
			return osha_err_set(reterr, OSHA_E_USAGE, "an HTTP header is not one line of \"Name: value\"");
	if (req->timeout_ms < 0 || req->connect_timeout_ms < 0)
		return osha_err_set(reterr, OSHA_E_USAGE, "a negative timeout");
	return 0;
}

static bool add_header(struct io_http_call *call, const char *line)
{
	struct curl_slist *more = curl_slist_append(call->headers, line);
	if (more != NULL)
		call->headers = more;
	return more != NULL;
}

static bool set_headers(struct io_http_call *call, const struct io_http_request *req)
{
	bool has_type = false;
	for (const char *const *h = req->headers; h != NULL && *h != NULL; h++) {
		has_type |= strncasecmp(*h, "content-type:", 13) == 0;
		if (!add_header(call, *h))
			return false;
	}
	/* No waiting for "100 Continue" (a second try at the same write), no type that the caller did not name. */
	if (!add_header(call, "Expect:") || (!has_type && !add_header(call, "Content-Type:")))
		return false;
	return curl_easy_setopt(call->transfer.easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
}

static bool set_method(CURL *e, const struct io_http_request *req)
{
	CURLcode r = CURLE_OK;
	bool is_read = str_eq(req->method, "GET") || str_eq(req->method, "HEAD");
	if (req->body != NULL || !is_read) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(req->body != NULL ? req->body_size : 0));
		r = curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, req->body != NULL ? req->body : "");
	}
	if (r == CURLE_OK)
		r = str_eq(req->method, "HEAD") ? curl_easy_setopt(e, CURLOPT_NOBODY, 1L)
						: curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, is_read ? 0L : 1L);
	return r == CURLE_OK;
}

static bool set_options(struct io_http_call *call, const struct io_http_request *req)
{
	CURL *e = call->transfer.easy;
	long connect_ms = (long)(req->connect_timeout_ms > 0 ? req->connect_timeout_ms : IO_HTTP_CONNECT_TIMEOUT_MS);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
	bool ok = curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK;
	ok = ok && curl_transfer_tls(e, req->cacert, req->insecure);
	if (req->client_cert != NULL)
		ok = ok && curl_easy_setopt(e, CURLOPT_SSLCERT, req->client_cert) == CURLE_OK;
	if (req->client_key != NULL)
		ok = ok && curl_easy_setopt(e, CURLOPT_SSLKEY, req->client_key) == CURLE_OK;
	return ok && set_method(e, req) && set_headers(call, req);
}

int io_http_start(struct io_http *http, const struct io_http_request *req, io_http_fn fn, void *arg,
    struct io_http_call **ret_call, struct osha_err *reterr)
{
	int r = check_request(req, reterr);
	if (r < 0)
		return r;
	struct io_http_call *call = calloc(1, sizeof *call);
	if (call == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a request");
	call->fn = fn;
	call->arg = arg;
	call->body.max_bytes = req->max_body_bytes > 0 ? req->max_body_bytes : IO_HTTP_BODY_MAX_BYTES;
	call->header_block.max_bytes = IO_HTTP_HEADERS_MAX_BYTES;
	call->transfer.end_fn = on_end;
	call->transfer.free_fn = free_call;
	r = curl_transfer_init(&call->transfer, http, reterr);
	if (r < 0) {
		free(call);
		return r;
	}
	if (!set_options(call, req))
		r = osha_err_set(reterr, OSHA_E_NOMEM, "start a request");
	else
		r = curl_transfer_start(
		    &call->transfer, req->timeout_ms > 0 ? req->timeout_ms : IO_HTTP_TIMEOUT_MS, reterr);
	if (r < 0) {
		free_call(&call->transfer);
		return r;
	}
	if (ret_call != NULL)
		*ret_call = call;
	return 0;
}

void io_http_cancel(struct io_http_call *call)
{
	if (call != NULL)
		free_call(&call->transfer);
}

const char *io_http_answer_header(const struct io_http_answer *answer, const char *name, char *buf, size_t size)
{
	size_t n = strlen(name);
	const char *found = NULL;
	for (const char *line = answer->header_block; *line != '\0'; line++) {
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			found = line + n + 1;
		line += strcspn(line, "\n");
		if (*line == '\0')
			break;
	}
	if (found == NULL || size == 0)
		return NULL;
	found += strspn(found, " \t");
	size_t len = strcspn(found, "\r\n");
	while (len > 0 && (found[len - 1] == ' ' || found[len - 1] == '\t'))
		len--;
	if (len >= size)
		len = size - 1;
	memcpy(buf, found, len);
	buf[len] = '\0';
	return buf;
}

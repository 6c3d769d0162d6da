/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP and mail share: one libcurl multi handle on the loop, and the life of one transfer on it (bounds, one end, cancel). For http.c
 * and smtp.c alone.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/http.h"
#include "io/loop.h"

struct curl_transfer;
typedef void (*curl_transfer_fn)(struct curl_transfer *t, CURLcode code);

/* Embedded as first member in the caller's struct. */
struct curl_transfer {
	struct io_http *http;
	struct curl_transfer *next, *prev;
	CURL *easy;
	curl_transfer_fn end_fn;                  /* must free the transfer, and tell its owner */
	void (*free_fn)(struct curl_transfer *t); /* frees it silently: the pool goes away */
	struct io_timer deadline;
	int64_t start_ms;
	bool is_sending; /* the connection stands and the request may be on its way */
	char error[CURL_ERROR_SIZE];
};

/** curl_transfer_init() - an easy handle with what every transfer needs. On error nothing is left to free. */
int curl_transfer_init(struct curl_transfer *t, struct io_http *http, struct osha_err *reterr);
/** curl_transfer_start() - hand it to libcurl; @end_fn comes later, once. On error the caller still calls curl_transfer_close(). */
int curl_transfer_start(struct curl_transfer *t, int64_t timeout_ms, struct osha_err *reterr);
/** curl_transfer_close() - out of the pool, easy handle freed; the memory is the caller's. Harmless before start. */
void curl_transfer_close(struct curl_transfer *t);
/** curl_transfer_tls() - which certificates to believe. Returns false when out of memory. */
bool curl_transfer_tls(CURL *easy, const char *cacert, bool is_insecure);
/** curl_transfer_result() - 0 or the -OSHA_E_* of a libcurl code. */
int curl_transfer_result(const struct curl_transfer *t, CURLcode code);
/** curl_transfer_loop() - the loop it runs on. */
struct io_loop *curl_transfer_loop(const struct curl_transfer *t);
/** curl_transfer_ms() - time since its start. */
int64_t curl_transfer_ms(const struct curl_transfer *t);
/** curl_transfer_text() - the transfer's error in words, one printable line. */
const char *curl_transfer_text(struct curl_transfer *t, CURLcode code);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cloud as bytes: Keystone's and Nova's HTTP answers over the model. Pure, like the model: a request goes in, an answer comes out, no
 * socket and no clock. The HTTP face puts it behind a port; the simulator calls it directly and gets the same bytes.
 *
 * Paths: Keystone below /identity/v3, Nova below /v2.1. Shapes are those of Nova 26.2 (microversions 2.1 to 2.93; servers are shown in the
 * shape of 2.90 whatever was asked) and Keystone 22.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloudsim/model.h"

enum {
	CLOUDSIM_HEADERS_MAX = 10,
	CLOUDSIM_MICROVERSION_MAX = 93,
};

struct cloudsim_header {
	const char *name, *value;
};

struct cloudsim_request {
	const char *method; /* "GET", ... */
	const char *target; /* path and query as on the wire */
	const struct cloudsim_header *headers;
	size_t n_headers;
	const char *body;
	size_t body_len;
	bool skip_faults; /* this is the second run of a LATE one, or the caller wants none */
};

/* What the wire does to an answer. */
enum cloudsim_wire {
	CLOUDSIM_WIRE_WHOLE = 0,
	CLOUDSIM_WIRE_LOST,    /* no byte of it arrives, the connection ends */
	CLOUDSIM_WIRE_CUT,     /* the connection ends in the middle of the body */
	CLOUDSIM_WIRE_DRIP,    /* a few bytes at a time */
	CLOUDSIM_WIRE_ENDLESS, /* the body never ends */
	CLOUDSIM_WIRE_HANG,    /* nothing ever comes */
	CLOUDSIM_WIRE_LATE,    /* not done yet: wait delay_ms, then call again with skip_faults */
};

struct cloudsim_answer {
	int status;
	struct {
		char name[40];
		char value[200];
	} headers[CLOUDSIM_HEADERS_MAX];
	size_t n_headers;
	char *body; /* owned; NUL-terminated; NULL when empty */
	size_t body_len;
	int64_t delay_ms; /* before the first byte */
	enum cloudsim_wire wire;
};

/**
 * cloudsim_http_handle() - let the cloud answer one request.
 * @request: borrowed for the call
 * @ret_answer: filled always; the caller gives it back with cloudsim_answer_free()
 *
 * Changes of the cloud happen before it returns, also where the answer is late or lost. Never blocks.
 */
void cloudsim_http_handle(struct cloudsim_model *m, int64_t now_ms, const struct cloudsim_request *request,
    struct cloudsim_answer *ret_answer);
void cloudsim_answer_free(struct cloudsim_answer *answer);
/** cloudsim_answer_header() - value of a header, any case; NULL when missing. */
const char *cloudsim_answer_header(const struct cloudsim_answer *answer, const char *name);

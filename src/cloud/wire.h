/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small pieces of the cloud's wire format: times, ids, URL encoding, and making hostile text fit for people. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/**
 * cloud_time_parse() - "2026-11-22T10:31:41", with or without a fraction of 1 to 9 digits, with or without "Z" or
 * "+00:00".
 * @ret_ms: ms since 1970 UTC, the fraction cut to ms. Returns false, leaving @ret_ms alone, for anything else.
 */
bool cloud_time_parse(const char *text, int64_t *ret_ms);

/** cloud_id_is_valid() - 1 to @size - 1 letters, digits, '-' or '_': may stand in a path and cannot be cut by a field
 * of @size. */
bool cloud_id_is_valid(const char *id, size_t size);

/** cloud_host_is_valid() - fits HOST_NAME_SIZE, is not empty and holds no control character. */
bool cloud_host_is_valid(const char *host);

/** cloud_url_encode() - append @text with everything but RFC 3986's unreserved characters percent-encoded. */
void cloud_url_encode(struct strbuf *sb, const char *text);

/**
 * cloud_text_clean() - copy hostile text for people: control characters and runs of blanks become one space, bytes that
 * are not UTF-8 become '?', and what does not fit is cut between characters. @dst of @size >= 1 is always terminated.
 * @src NULL counts as "".
 */
void cloud_text_clean(char *dst, size_t size, const char *src);

/** cloud_email_is_valid() - one plain address: local@domain, no blanks, control or separator characters, at most 254
 * bytes. */
bool cloud_email_is_valid(const char *email);

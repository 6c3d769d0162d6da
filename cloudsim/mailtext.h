/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a message's head: header fields unfolded and decoded (RFC 2047, UTF-8 and ASCII words only) into JSON. Pure. */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"

/** mailtext_json() - append @s as a JSON string; bytes that are no UTF-8 pass as they are. */
void mailtext_json(struct strbuf *sb, const char *s);
/** mailtext_headers() - append the head of the message as a JSON object, names in lower case; a repeated name keeps its first value. */
void mailtext_headers(struct strbuf *sb, const char *message, size_t len);
/** mailtext_base64() - decode up to @max bytes; stops at the first character that does not belong. Returns how many. */
size_t mailtext_base64(const char *text, size_t len, unsigned char *ret, size_t max);

/* SPDX-License-Identifier: Apache-2.0 */
/* Times, ids, URL encoding, clean text; see wire.h. */
#include "cloud/wire.h"

#include <string.h>

#include "base/vocab.h"

/* @n digits at @p as a number, or -1. */
static int digits(const char *p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

static bool year_is_leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static bool date_is_valid(int y, int m, int d)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (y < 1970 || m < 1 || m > 12 || d < 1)
		return false;
	return d <= days[m - 1] + (m == 2 && year_is_leap(y));
}

static int64_t days_since_1970(int y, int m, int d)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int last = y - 1;
	int64_t leaps = last / 4 - last / 100 + last / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);

	return (int64_t)(y - 1970) * 365 + leaps + before[m - 1] + (m > 2 && year_is_leap(y)) + d - 1;
}

/* Reads ".123456" when it stands at *p; false when a point is followed by no or too many digits. */
static bool fraction_read(const char **p, int *ret_ms)
{
	int ms = 0;
	int n = 0;

	if (**p != '.')
		return true;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++, n++)
		if (n < 3)
			ms = ms * 10 + (**p - '0');
	if (n < 1 || n > 9)
		return false;
	for (; n < 3; n++)
		ms *= 10;
	*ret_ms = ms;
	return true;
}

bool cloud_time_parse(const char *text, int64_t *ret_ms)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd";
	const char *p = text;
	int y, mo, d, h, mi, s;
	int ms = 0;

	if (!text || strlen(text) < sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] != 'd' && text[i] != shape[i])
			return false;
	y = digits(p, 4);
	mo = digits(p + 5, 2);
	d = digits(p + 8, 2);
	h = digits(p + 11, 2);
	mi = digits(p + 14, 2);
	s = digits(p + 17, 2);
	p += sizeof(shape) - 1;
	if (!date_is_valid(y, mo, d) || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59)
		return false;
	if (!fraction_read(&p, &ms) || (*p && strcmp(p, "Z") != 0 && strcmp(p, "+00:00") != 0))
		return false;
	*ret_ms = (days_since_1970(y, mo, d) * 86400 + h * 3600 + mi * 60 + s) * 1000 + ms;
	return true;
}

static bool byte_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool cloud_id_is_valid(const char *id, size_t size)
{
	size_t n = 0;

	if (!id)
		return false;
	for (; id[n]; n++)
		if (!byte_is_alnum(id[n]) && id[n] != '-' && id[n] != '_')
			return false;
	return n > 0 && n < size;
}

bool cloud_host_is_valid(const char *host)
{
	size_t n = 0;

	if (!host)
		return false;
	for (; host[n]; n++)
		if ((unsigned char)host[n] < 0x20 || host[n] == 0x7f)
			return false;
	return n > 0 && n < HOST_NAME_SIZE;
}

void cloud_url_encode(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		if (byte_is_alnum(*text) || strchr("-._~", *text))
			strbuf_add(sb, text, 1);
		else
			strbuf_printf(sb, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

/* Length of the well-formed UTF-8 character at @p (RFC 3629), or 0. */
static size_t utf8_length(const unsigned char *p)
{
	size_t n;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL and C1 controls, blanks, and the marks that turn the direction of text around. */
static bool char_is_blank(const unsigned char *p, size_t n)
{
	if (n == 1)
		return p[0] <= 0x20 || p[0] == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] <= 0xa0;
	if (n == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] == 0xa8 || p[2] == 0xa9 || (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
	return n == 3 && p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

void cloud_text_clean(char *dst, size_t size, const char *src)
{
	const unsigned char *p = (const unsigned char *)(src ? src : "");
	size_t at = 0;
	bool blank = false;

	while (*p) {
		size_t n = utf8_length(p);
		const unsigned char *from = n ? p : (const unsigned char *)"?";

		p += n ? n : 1;
		n = n ? n : 1;
		if (char_is_blank(from, n)) {
			blank = at > 0;
			continue;
		}
		if (at + blank + n >= size)
			break;
		if (blank)
			dst[at++] = ' ';
		blank = false;
		memcpy(dst + at, from, n);
		at += n;
	}
	dst[at] = '\0';
}

bool cloud_email_is_valid(const char *email)
{
	const char *sign = email ? strchr(email, '@') : NULL;
	size_t n = email ? strlen(email) : 0;

	if (!sign || sign == email || !sign[1] || strchr(sign + 1, '@') || n > 254)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)email[i] <= 0x20 || email[i] == 0x7f || strchr("<>(),;:\\\"[]", email[i]))
			return false;
	return sign[1] != '.' && sign[1] != '-' && email[n - 1] != '.';
}

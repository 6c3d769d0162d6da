/* SPDX-License-Identifier: Apache-2.0 */
/* The error table and the three ways to fill a struct osha_err. No allocation, no logging. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang_analyzer__
#undef osha_err_set
#undef osha_err_set_errno
#undef osha_err_wrap
#endif

struct err_row {
	const char *text;
	bool transient;
	int exit_status;
};

static const struct err_row err_rows[OSHA_E_N] = {[OSHA_E_NONE] = {"no error", false, 0},
#define OSHA_ERR_ROW(code, text, transient, status) [code] = {text, transient, status},
    OSHA_ERRORS(OSHA_ERR_ROW)
#undef OSHA_ERR_ROW
};

static const struct err_row *err_row_of(int code)
{
	int c = code < 0 ? -code : code;

	return &err_rows[c < OSHA_E_N ? c : OSHA_E_INTERNAL];
}

int osha_err_set(struct osha_err *reterr, int code, const char *fmt, ...)
{
	va_list ap;

	if (!reterr)
		return -code;
	*reterr = (struct osha_err){.code = code};
	va_start(ap, fmt);
	vsnprintf(reterr->msg, sizeof(reterr->msg), fmt, ap);
	va_end(ap);
	return -code;
}

int osha_err_set_errno(struct osha_err *reterr, int code, int sys_errno, const char *fmt, ...)
{
	va_list ap;
	size_t n;
	char why[128];

	if (!reterr)
		return -code;
	*reterr = (struct osha_err){.code = code, .sys_errno = sys_errno};
	va_start(ap, fmt);
	vsnprintf(reterr->msg, sizeof(reterr->msg), fmt, ap);
	va_end(ap);
	n = strlen(reterr->msg);
	snprintf(reterr->msg + n, sizeof(reterr->msg) - n, ": %s", strerror_r(sys_errno, why, sizeof(why)));
	return -code;
}

int osha_err_wrap(struct osha_err *reterr, const char *fmt, ...)
{
	va_list ap;
	char inner[OSHA_ERR_MSG_SIZE];
	size_t n;

	if (!reterr || !reterr->code)
		return -OSHA_E_INTERNAL;
	memcpy(inner, reterr->msg, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(reterr->msg, sizeof(reterr->msg), fmt, ap);
	va_end(ap);
	n = strlen(reterr->msg);
	snprintf(reterr->msg + n, sizeof(reterr->msg) - n, ": %s", inner);
	return -reterr->code;
}

const char *osha_err_text(int code)
{
	return err_row_of(code)->text;
}

bool osha_err_is_transient(int code)
{
	return err_row_of(code)->transient;
}

int osha_err_exit_status(int code)
{
	return err_row_of(code)->exit_status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors. A function returns 0, a negative -OSHA_E_* (cannot go on; forward it) or a positive outcome that its own header documents
 * (handle it there). The detail travels in a caller-owned struct osha_err and is wrapped once per level, so that one line reads
 * outside-in: "recover compute-3: force down: PUT /os-services: 409". Only the daemon and the commands print it, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* code, text for people, worth trying again?, exit status of a command that ends with it */
#define OSHA_ERRORS(X)                                                                                                 \
	X(OSHA_E_INTERNAL, "internal error", false, 1)                                                                 \
	X(OSHA_E_NOMEM, "out of memory", true, 1)                                                                      \
	X(OSHA_E_IO, "input/output error", true, 1)                                                                    \
	X(OSHA_E_NOSPACE, "no space left", true, 1)                                                                    \
	X(OSHA_E_CORRUPT, "damaged data", false, 1)                                                                    \
	X(OSHA_E_CONFIG, "configuration wrong", false, 2)                                                              \
	X(OSHA_E_BUSY, "already running", false, 2)                                                                    \
	X(OSHA_E_USAGE, "wrong usage", false, 2)                                                                       \
	X(OSHA_E_NOTFOUND, "not found", false, 1)                                                                      \
	X(OSHA_E_REFUSED, "refused", false, 1)                                                                         \
	X(OSHA_E_FULL, "a bounded queue is full", true, 1)                                                             \
	X(OSHA_E_TIMEOUT, "timed out", true, 4)                                                                        \
	X(OSHA_E_NET, "network error", true, 4)                                                                        \
	X(OSHA_E_TLS, "certificate or TLS error", false, 4)                                                            \
	X(OSHA_E_AUTH, "authentication refused", false, 4)                                                             \
	X(OSHA_E_HTTP, "unexpected HTTP answer", true, 4)                                                              \
	X(OSHA_E_GARBAGE, "answer not understood", true, 4)                                                            \
	X(OSHA_E_CANCELLED, "cancelled", true, 1)

enum osha_errno {
	OSHA_E_NONE = 0,
#define OSHA_ERR_ENUM(code, text, transient, status) code,
	OSHA_ERRORS(OSHA_ERR_ENUM)
#undef OSHA_ERR_ENUM
	    OSHA_E_N
};

enum { OSHA_ERR_MSG_SIZE = 400 };

struct osha_err {
	int code;        /* an enum osha_errno; 0 when nothing happened */
	int sys_errno;   /* errno of the moment, 0 when none */
	int http_status; /* status of the answer that caused it, 0 when none */
	char msg[OSHA_ERR_MSG_SIZE];
};

/**
 * osha_err_set() - state what went wrong, at the place where it did.
 * @reterr: filled when not NULL; borrowed
 * @code: an enum osha_errno, positive
 * @fmt: printf format of the message, without the final full stop; never a secret
 *
 * Returns -code, so that `return osha_err_set(...)` is the whole error path. Truncates safely, allocates nothing.
 */
int osha_err_set(struct osha_err *reterr, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** osha_err_set_errno() - the same, with the text of errno (@sys_errno > 0) appended and kept. */
int osha_err_set_errno(struct osha_err *reterr, int code, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * osha_err_wrap() - put "what I was doing: " in front of an error on its way out.
 * @reterr: the error to wrap; NULL or empty is left alone
 *
 * Returns -reterr->code, or -OSHA_E_INTERNAL where @reterr is NULL or says nothing.
 */
int osha_err_wrap(struct osha_err *reterr, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** osha_err_text() - the table's text for a code (either sign); "no error" for 0, never NULL. */
const char *osha_err_text(int code);

/** osha_err_is_transient() - may the same call, made again later, succeed? (either sign) */
bool osha_err_is_transient(int code);

/** osha_err_exit_status() - exit status that a command ends with for this code (either sign); 0 for 0. */
int osha_err_exit_status(int code);

#ifdef __clang_analyzer__ /* reads one file at a time, so it must be told that these never return 0 */
static inline int osha_err_negative(int code, int ignored)
{
	return code > 0 ? -code : ignored < 0 ? ignored : -OSHA_E_INTERNAL;
}
#define osha_err_set(reterr, code, ...)       osha_err_negative(code, osha_err_set(reterr, code, __VA_ARGS__))
#define osha_err_set_errno(reterr, code, ...) osha_err_negative(code, osha_err_set_errno(reterr, code, __VA_ARGS__))
#define osha_err_wrap(...)                    osha_err_negative(0, osha_err_wrap(__VA_ARGS__))
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer means as far as the next step depends on it, from its transport result, status and error body alone.
 *
 *  no answer, certainly not sent            refused  transient
 *  no answer, may have been sent            GET: refused transient       PUT, POST: unknown transient
 *  no token, wrong credentials              refused  auth
 *  no endpoint, cloud too old               refused  state
 *  3xx                                      refused  state      a redirect is never followed
 *  400                                      refused  state; busy "... is still in use"; leftover on UNFORCE while
 * evacuations remain; transient when a list's marker has gone 401, 403                                 refused  auth
 *  404                                      refused  missing    when the service itself says so; a bare 404 (proxy,
 * wrong path): transient 406 and other 4xx                        refused  state 408 GET: refused transient       PUT,
 * POST: unknown transient 409                                      refused  state when it names a vm_state, else
 * transient 413, 425, 429                            refused  transient 5xx, and what is no status               GET:
 * refused transient       PUT, POST: unknown transient 200 that cannot be understood            GET: refused transient
 * PUT: unknown transient; POST action: done, its body means nothing
 */
#pragma once

#include <stdbool.h>

#include "cloud/call.h"

/**
 * cloud_judge_failure() - fill outcome, fault, http_status, retry_after_s and reason of a request that did not succeed.
 * @is_mutating: could the request have changed the cloud?
 */
void cloud_judge_failure(
    enum cloud_kind kind, bool is_mutating, const struct cloud_answer *answer, struct cloud_result *ret_result);

/** cloud_judge_garbage() - the same for an answer of 2xx whose body cannot be understood; @why for people. */
void cloud_judge_garbage(
    bool is_mutating, const struct cloud_answer *answer, const char *why, struct cloud_result *ret_result);

/** cloud_judge_is_passing() - is this a failure of the moment: no answer, 408, 429, 5xx? */
bool cloud_judge_is_passing(const struct cloud_answer *answer);

/** cloud_judge_has_own_words() - does the body hold an error in the form that nova and keystone use? */
bool cloud_judge_has_own_words(const struct cloud_answer *answer);

/** cloud_judge_message() - the cloud's own sentence, cleaned; false and "" when there is none. */
bool cloud_judge_message(const char *body, size_t n, char *dst, size_t size);

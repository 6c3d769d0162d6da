/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's templates, read from the folder that the configuration names. The daemon does it when it starts and at each reload, and
 * `osha config check` before either, so that both complain of the same.
 */
#pragma once

#include "config/config.h"
#include "config/problem.h"
#include "tell/letter.h"

/**
 * tell_folder_load() - read and parse them. What is not there is left to the built-in ones.
 * @ret: overwritten: a member for each good file; the caller frees it with tell_templates_free()
 * @problems: borrowed; every wrong file is added to it, with its name and line
 *
 * Blocking: reads at most TELL_KIND_N * TELL_FORMAT_N small files. Errors: -OSHA_E_CONFIG (something was added to @problems),
 * -OSHA_E_NOMEM.
 */
int tell_folder_load(
    const struct config *cfg, struct tell_templates *ret, struct config_problems *problems, struct osha_err *reterr);

/**
 * tell_folder_check() - are the operator's templates sound? The daemon does not start with wrong ones.
 * @cfg: borrowed, what config_load() gave
 * @problems: borrowed; every wrong file is added to it, with its name and line
 *
 * For a start, a reload and `osha config check`. Blocking and errors as of tell_folder_load().
 */
int tell_folder_check(const struct config *cfg, struct config_problems *problems, struct osha_err *reterr);

/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration's reading of clouds.yaml to a session. */
#include <stdlib.h>

#include "cloud/session.h"
#include "config/clouds.h"
#include "daemon/daemon.h"

int daemon_cloud_open(
    struct io_loop *loop, const struct config *cfg, struct cloud_session **ret, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	CLOUD_CREDENTIALS_AUTO struct cloud_credentials c = {.verify = true};
	struct cloud_session_options options = {.parallel = (unsigned)cfg->cloud.concurrent_requests};
	int r = clouds_load(cfg->cloud.name, cfg->cloud.clouds_file, getenv, &c, &problems, reterr);

	daemon_problems_log(&problems);
	if (r < 0)
		return r;
	if (options.parallel > CLOUD_SESSION_PARALLEL_MAX)
		options.parallel = CLOUD_SESSION_PARALLEL_MAX;
	return cloud_session_new(loop, &c, &options, ret, reterr);
}

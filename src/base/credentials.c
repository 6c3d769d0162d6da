/* SPDX-License-Identifier: Apache-2.0 */
/* Wiping of cloud credentials. Reading them is the config room's work, signing in the cloud room's. */
#include <string.h>

#include "base/credentials.h"

void credentials_wipe(struct cloud_credentials *c)
{
	if (c)
		explicit_bzero(c, sizeof(*c));
}

/* SPDX-License-Identifier: MIT */
/** The sources that a recording may draw from. */
#include "record/all.h"

#include "record/kernel.h"
#include "record/sampler.h"
#include "record/script.h"

const struct record_source *const record_all[] = {
	&source_kernel,
	&source_scripts,
	&source_samples,
	NULL,
};

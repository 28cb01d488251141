// SPDX-License-Identifier: Apache-2.0
/** The life of a region, sections, the reclaimer and a close under schedules that Fray chooses: {@code stress/fray/run}. */
@NullMarked
package io.holdfast.stress.fray;

import org.jspecify.annotations.NullMarked;

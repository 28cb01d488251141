// SPDX-License-Identifier: Apache-2.0

/**
 * Runs named sets of the benchmarks and reports them: tables against the targets, raw tables, plots. It reads JMH's JSON,
 * so a report can be made from runs of other machines and other days.
 */
@NullMarked
package io.holdfast.bench.report;

import org.jspecify.annotations.NullMarked;

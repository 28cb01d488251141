// SPDX-License-Identifier: Apache-2.0

/**
 * The protocols of the library as litmus tests for herd7, which decides for a machine's memory model whether an outcome
 * can be. {@link io.holdfast.stress.herd.HerdTool} is the program; the descriptions, from which it writes the tests, and
 * how to add one, are in {@code stress/litmus}.
 */
@NullMarked
package io.holdfast.stress.herd;

import org.jspecify.annotations.NullMarked;

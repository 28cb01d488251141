// SPDX-License-Identifier: Apache-2.0
/**
 * Hostile input: every public method with arguments at and beyond its limits, in any order, on objects that are closed,
 * by threads that must not. Whatever is thrown must be what the Javadoc of the method says.
 */
@NullMarked
package io.holdfast.stress.fuzz;

import org.jspecify.annotations.NullMarked;

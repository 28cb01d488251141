// SPDX-License-Identifier: Apache-2.0
/**
 * Small programs to start from, one idea each. The subpackage {@code store} is a whole one.
 */
@NullMarked
package io.holdfast.examples;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0

/**
 * What a space tells the flight recorder ({@code jdk.jfr}): one class for each event. An event that nobody records costs
 * the look that finds this out, and no event is on the way of a read.
 *
 * <p>Telling fails nothing. Where heap or stack end in it, the event is lost and what it tells of goes on; callers behind
 * a point of no return also catch the end of the stack in their own frame, for the call itself.
 *
 * <p>May import nothing but {@code jdk.jfr}.
 */
@NullMarked
package io.holdfast.event;

import org.jspecify.annotations.NullMarked;

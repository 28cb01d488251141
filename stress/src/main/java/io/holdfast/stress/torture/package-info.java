// SPDX-License-Identifier: Apache-2.0
/**
 * The torture run: readers and writers of every kind against each other, in the manner of rcutorture and locktorture.
 *
 * <p>{@link io.holdfast.stress.torture.Torture} is the program. It weaves pauses between the steps of the library's
 * protocols ({@link io.holdfast.stress.torture.Point}), and on demand a defect
 * ({@link io.holdfast.stress.torture.Variant}), and runs the result in a child process, so that a crash is an outcome
 * like any other. What may be read is known of every word ({@link io.holdfast.stress.torture.Life}); what happens is
 * counted ({@link io.holdfast.stress.torture.Event}); what is left afterwards must be nothing
 * ({@link io.holdfast.stress.torture.Leaks}).
 */
@NullMarked
package io.holdfast.stress.torture;

import org.jspecify.annotations.NullMarked;

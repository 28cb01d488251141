// SPDX-License-Identifier: Apache-2.0

/** Litmus tests of the protocols: one class per protocol, with its model and a weakened twin that must be caught. */
@NullMarked
package io.holdfast.stress;

import org.jspecify.annotations.NullMarked;

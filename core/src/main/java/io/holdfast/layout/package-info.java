// SPDX-License-Identifier: Apache-2.0

/**
 * Where things lie off-heap: offsets, widths and masks of every record that the other packages share, with their
 * diagrams, and access to 64-bit words at native addresses in the access modes of {@link java.lang.invoke.VarHandle}.
 *
 * <p>No other package contains an offset or a mask of these records. The words live in tables that are type-stable:
 * their addresses stay mapped while somebody can still name one of their rows, which is what makes access by raw address
 * sound. Rows that nobody uses may read as zeros. Nothing here waits, allocates native memory or calls the operating
 * system.
 *
 * <p>May import the JDK only.
 */
@NullMarked
package io.holdfast.layout;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0

/**
 * Shows the address spaces of a running process. {@code Target} attaches and takes a {@code Reading}, which is plain maps
 * and lists; {@code Screen} and {@code Json} write it.
 */
@NullMarked
package io.holdfast.top;

import org.jspecify.annotations.NullMarked;

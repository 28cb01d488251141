// SPDX-License-Identifier: Apache-2.0

/** Which lines of memory pass from one processor to another while threads use the library, counted access by access. */
@NullMarked
package io.holdfast.stress.lines;

import org.jspecify.annotations.NullMarked;

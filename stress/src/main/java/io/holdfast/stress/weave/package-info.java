// SPDX-License-Identifier: Apache-2.0
/**
 * Changes to compiled classes of the library, for runs that must not find it as it ships: pauses between the steps of
 * its protocols, and steps left out. The changed classes are written to a directory that goes in front of the class
 * path of a child process, so the library itself has no hooks. Uses the JDK and nothing else.
 */
@NullMarked
package io.holdfast.stress.weave;

import org.jspecify.annotations.NullMarked;

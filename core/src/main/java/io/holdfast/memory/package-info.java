// SPDX-License-Identifier: Apache-2.0

/**
 * The operating system: every system call of the library, and the address range that a space reserves. All calls go
 * through one class, so that tests can let any of them fail.
 *
 * <p>This is the only package that uses {@link java.lang.foreign.Linker}. A failing call is reported with its name,
 * its address in hexadecimal, its length, the error's number and name, and what can be done about it. Which region
 * owns an address is not known here: callers make sure that a call hits what they hold.
 *
 * <p>May import the JDK only.
 */
@NullMarked
package io.holdfast.memory;

import org.jspecify.annotations.NullMarked;

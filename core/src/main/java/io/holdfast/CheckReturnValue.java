// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What the method returns replaces the handle or the stamp that it was called with, which is no longer valid: a caller
 * that drops the result has lost the region or the lock. Error Prone and SpotBugs know annotations of this name and
 * reject such calls.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.CLASS)
public @interface CheckReturnValue {
}

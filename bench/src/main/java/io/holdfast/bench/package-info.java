// SPDX-License-Identifier: Apache-2.0

/** JMH benchmarks of the library beside its peers; each class names the command that runs it. */
@NullMarked
package io.holdfast.bench;

import org.jspecify.annotations.NullMarked;

// SPDX-License-Identifier: Apache-2.0

/**
 * A Lucene {@link org.apache.lucene.store.Directory} on Holdfast: {@link io.holdfast.lucene.HoldfastDirectory}. It uses
 * nothing but the public API.
 */
@NullMarked
package io.holdfast.lucene;

import org.jspecify.annotations.NullMarked;

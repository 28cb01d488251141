// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import com.carrotsearch.randomizedtesting.ThreadFilter;

/** Threads of spaces and of the JDK's virtual threads, which outlast the test in which they began. */
public final class BackgroundThreads implements ThreadFilter {
    @Override
    public boolean reject(final Thread thread) {
        return thread.getName().startsWith("holdfast") || thread.getName().startsWith("VirtualThread");
    }
}

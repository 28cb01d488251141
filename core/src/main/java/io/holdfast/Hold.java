// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.HoldHandle;
import java.lang.foreign.MemorySegment;

/**
 * A shared lock on a region that one thread takes and any thread may release: for asynchronous I/O, and for readers that
 * are handed from thread to thread. It keeps the region mapped like a guard (guarantee G1) but costs a read-modify-write
 * of a shared word.
 *
 * <p>Thread-safe. A hold has no segment of its own. A thread that reads opens a {@link View}, which is confined to it;
 * releasing a hold with open views is refused. For code that hands a segment from thread to thread, as I/O libraries do,
 * there is the {@link #sharedSegment()}, which costs a handshake when the region is unmapped.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="hold"}
 */
public sealed interface Hold extends AutoCloseable permits HoldHandle {
    /** {@return the region} */
    Region region();

    /** {@return whether the hold was granted and is not released} */
    boolean isHeld();

    /**
     * Why the hold was not granted.
     *
     * @return the reason
     * @throws IllegalStateException if it was
     */
    Refusal refusal();

    /**
     * A view for the current thread, writable if the region is.
     *
     * @return the view, to be closed by the same thread
     * @throws RegionException       if the hold was refused
     * @throws IllegalStateException if it is released
     */
    View view();

    /**
     * The {@linkplain Region#sharedSegment() shared segment} of the region. It can be used at least until the hold is
     * released.
     *
     * @return the segment
     * @throws RegionException       if the hold was refused
     * @throws IllegalStateException if it is released
     */
    MemorySegment sharedSegment();

    /**
     * Releases the hold; does nothing if it was refused, or is released already.
     *
     * @throws IllegalStateException if views are open, and then it is still held
     */
    @Override
    void close();

    /** One thread's access to the bytes of a held region. */
    sealed interface View extends AutoCloseable permits HoldHandle.ViewHandle {
        /** {@return the region's bytes, as many as there were when the view was opened} */
        MemorySegment segment();

        /**
         * Closes the view; does nothing if it is closed already.
         *
         * @throws IllegalStateException if its segment is in use by a native call or by asynchronous I/O, and then it is
         *                               still open
         * @throws WrongThreadException  if another thread opened it
         */
        @Override
        void close();
    }
}

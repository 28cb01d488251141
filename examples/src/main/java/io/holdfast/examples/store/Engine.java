// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/** The means by which the store keeps readers and unmapping apart. The store above them is the same. */
public enum Engine {
    /** Regions of a Holdfast address space: guards, optimistic reads, growth in place. */
    HOLDFAST("holdfast"),
    /** One shared arena for each mapping; closing it is a handshake with every thread. */
    SHARED_ARENA("shared-arena"),
    /** One {@link java.util.concurrent.locks.ReentrantReadWriteLock} for each mapping; plain {@code munmap}. */
    READ_WRITE_LOCK("read-write-lock");

    private final String label;

    Engine(final String label) {
        this.label = label;
    }

    /**
     * The name on the command line.
     *
     * @return lower case, words joined by hyphens
     */
    public String label() {
        return label;
    }

    SegmentStorage open() {
        return switch (this) {
            case HOLDFAST -> new HoldfastStorage();
            case SHARED_ARENA -> new SharedArenaStorage();
            case READ_WRITE_LOCK -> new ReadWriteLockStorage();
        };
    }

    @Override
    public String toString() {
        return label;
    }
}

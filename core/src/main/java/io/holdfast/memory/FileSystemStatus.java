// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * What {@code fstatfs} says of the file system that a file is on.
 *
 * @param type the number that says which file system it is
 * @param blockSize the size in bytes of the blocks that are counted
 * @param blocks how many blocks there are, 0 where there is no bound or nobody knows
 * @param freeBlocks how many of them belong to no file, those set aside for the superuser included
 */
record FileSystemStatus(long type, long blockSize, long blocks, long freeBlocks) {
    /*
     * struct statfs, the same on both machines; only the fields that are read:
     *
     *     0  i64 type     8  i64 best transfer size     16  u64 blocks     24  u64 free blocks     72  i64 block size
     */
    /** The size of the buffer that the call fills, in bytes. */
    static final long BYTES = 128;
    private static final long TYPE_OFFSET = 0;
    private static final long TRANSFER_SIZE_OFFSET = 8;
    private static final long BLOCKS_OFFSET = 16;
    private static final long FREE_BLOCKS_OFFSET = 24;
    private static final long BLOCK_SIZE_OFFSET = 72;

    private static final long EXT = 0xEF53L;
    private static final long XFS = 0x58465342L;
    private static final long BTRFS = 0x9123683EL;
    private static final long TMPFS = 0x01021994L;
    private static final long F2FS = 0xF2F52010L;
    private static final long OVERLAY = 0x794C7630L;

    static FileSystemStatus of(final MemorySegment buffer) {
        final long blockSize = buffer.get(JAVA_LONG, BLOCK_SIZE_OFFSET);
        return new FileSystemStatus(buffer.get(JAVA_LONG, TYPE_OFFSET),
            blockSize == 0 ? buffer.get(JAVA_LONG, TRANSFER_SIZE_OFFSET) : blockSize,
            buffer.get(JAVA_LONG, BLOCKS_OFFSET), buffer.get(JAVA_LONG, FREE_BLOCKS_OFFSET));
    }

    /** Makes what the call wrote the answer of a tmpfs with so many free blocks of one byte. */
    static void pretendFree(final MemorySegment buffer, final long freeBytes) {
        buffer.set(JAVA_LONG, TYPE_OFFSET, TMPFS);
        buffer.set(JAVA_LONG, BLOCK_SIZE_OFFSET, 1);
        buffer.set(JAVA_LONG, BLOCKS_OFFSET, Long.MAX_VALUE);
        buffer.set(JAVA_LONG, FREE_BLOCKS_OFFSET, freeBytes);
    }

    /** Whether shared mappings of its files are not refused once the kernel has taken away what they replace. */
    boolean mapsReliably() {
        return type == EXT || type == XFS || type == BTRFS || type == TMPFS;
    }

    /**
     * {@return how many bytes fit at most into blocks that belong to no file, {@link Long#MAX_VALUE} where that is not
     * known: on file systems that may reserve no blocks at all, or count those of others}
     */
    long freeBytes() {
        final boolean known = blocks != 0 && blockSize > 0 && freeBlocks >= 0 &&
            (mapsReliably() || type == F2FS || type == OVERLAY);
        return !known || freeBlocks > Long.MAX_VALUE / blockSize ? Long.MAX_VALUE : freeBlocks * blockSize;
    }
}

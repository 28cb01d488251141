// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * What {@code statx} says of a file.
 *
 * @param mode the type and the permissions
 * @param size the size in bytes
 * @param owned the bytes of the blocks that the file has, wherever in it or behind its end they are
 * @param device the number of the device that the file is on
 * @param inode the file's number on its device
 * @param mount the number of the mount by which it was found, or {@link #NO_MOUNT}
 */
record FileStatus(int mode, long size, long owned, long device, long inode, long mount) {
    /*
     * struct statx, the same on every machine; only the fields that are read:
     *
     *     0  u32 which fields are there
     *    28  u16 mode     32  u64 inode     40  u64 size     48  u64 blocks of 512 bytes
     *   136  u32 device, major     140  u32 device, minor     144  u64 mount
     *
     * A mount that is named uniquely (Linux 6.8) has a number that no other one gets until the system is started again;
     * those of devices without a disk are used again.
     */
    /** The number of no mount: the kernel does not name them uniquely. */
    static final long NO_MOUNT = 0;

    /** The fields that are asked for. */
    static final int FIELDS = NativeMemory.STATX_BASIC_STATS | NativeMemory.STATX_MNT_ID_UNIQUE;

    /** The size of the buffer that the call fills, in bytes. */
    static final long BYTES = 256;
    private static final long MASK_OFFSET = 0;
    private static final long MODE_OFFSET = 28;
    private static final long INODE_OFFSET = 32;
    private static final long SIZE_OFFSET = 40;
    private static final long BLOCKS_OFFSET = 48;
    private static final long MAJOR_OFFSET = 136;
    private static final long MINOR_OFFSET = 140;
    private static final long MOUNT_OFFSET = 144;

    private static final long BLOCK_BYTES = 512;

    private static final int TYPE_BITS = 0xf000;
    private static final int REGULAR = 0x8000;
    private static final int DIRECTORY = 0x4000;
    private static final int FIFO = 0x1000;
    private static final int CHARACTER_DEVICE = 0x2000;
    private static final int BLOCK_DEVICE = 0x6000;
    private static final int SOCKET = 0xc000;

    static FileStatus of(final MemorySegment buffer) {
        return new FileStatus(
            Short.toUnsignedInt(buffer.get(JAVA_SHORT, MODE_OFFSET)),
            buffer.get(JAVA_LONG, SIZE_OFFSET),
            buffer.get(JAVA_LONG, BLOCKS_OFFSET) * BLOCK_BYTES,
            (long) buffer.get(JAVA_INT, MAJOR_OFFSET) << Integer.SIZE |
                Integer.toUnsignedLong(buffer.get(JAVA_INT, MINOR_OFFSET)),
            buffer.get(JAVA_LONG, INODE_OFFSET),
            (buffer.get(JAVA_INT, MASK_OFFSET) & NativeMemory.STATX_MNT_ID_UNIQUE) == 0 ? NO_MOUNT
                : buffer.get(JAVA_LONG, MOUNT_OFFSET));
    }

    boolean isRegular() {
        return (mode & TYPE_BITS) == REGULAR;
    }

    /** {@return what kind of file this is, in words} */
    String kind() {
        return switch (mode & TYPE_BITS) {
            case REGULAR -> "a regular file";
            case DIRECTORY -> "a directory";
            case FIFO -> "a pipe";
            case CHARACTER_DEVICE -> "a character device";
            case BLOCK_DEVICE -> "a block device";
            case SOCKET -> "a socket";
            default -> "a special file";
        };
    }
}
